import { StreamsError } from '../common/errors.ts';
import type { ExtractedRecord, TimestampExtractor } from './timestamp-extractor.ts';

/** The default: the timestamp in the record, and an error where that is negative. */
export const failOnInvalidTimestamp: TimestampExtractor = (record) => {
  if (record.timestampMs >= 0) return record.timestampMs;
  throw invalid(record, 'take another extractor, such as usePartitionTimeOnInvalidTimestamp');
};

/** Drops records whose timestamp is negative; they count as `negative-timestamp`, and the first is logged. */
export const logAndSkipOnInvalidTimestamp: TimestampExtractor = (record) => record.timestampMs;

/** Gives a record with a negative timestamp the highest one so far of its partition; an error if there is none yet. */
export const usePartitionTimeOnInvalidTimestamp: TimestampExtractor = (record, partitionTimeMs) => {
  if (record.timestampMs >= 0) return record.timestampMs;
  if (partitionTimeMs >= 0) return partitionTimeMs;
  throw invalid(record, 'and no record of its partition came before it with a valid one');
};

/** Processing time: whatever the record says. A replay gives other results. */
export const wallclockTimestamp: TimestampExtractor = (_record, _partitionTimeMs, clock) =>
  clock.nowMs();

function invalid(record: ExtractedRecord, next: string): StreamsError {
  const { topic, partition, offset } = record;
  return new StreamsError(
    'STREAMS_INVALID_TIMESTAMP',
    `the record's timestamp ${record.timestampMs} is negative: ${next}`,
    { site: { topic, partition, offset } },
  );
}
