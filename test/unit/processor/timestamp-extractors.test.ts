import {
  failOnInvalidTimestamp,
  logAndSkipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
  wallclockTimestamp,
} from '../../../src/processor/timestamp-extractors.ts';
import { failure } from '../../support/failure.ts';

const record = (timestampMs: number) => ({
  key: 'k',
  value: 'v',
  timestampMs,
  headers: [],
  topic: 'clicks',
  partition: 3,
  offset: 42,
});
const clock = { nowMs: () => 1_000, monotonicMs: () => 0 };

describe('timestamp extractors', () => {
  test('fail on a negative timestamp, saying where the record is', () => {
    expect(failOnInvalidTimestamp(record(0), 5, clock)).toBe(0);
    expect(failure(() => failOnInvalidTimestamp(record(-1), 5, clock))).toMatch(
      /^STREAMS_INVALID_TIMESTAMP: .*-1 is negative.*topic clicks, partition 3, offset 42/,
    );
  });

  test('skip: a negative result drops the record', () => {
    expect(logAndSkipOnInvalidTimestamp(record(-1), 5, clock)).toBe(-1);
    expect(logAndSkipOnInvalidTimestamp(record(7), 5, clock)).toBe(7);
  });

  test('partition time stands in for a negative timestamp, if there is any', () => {
    expect(usePartitionTimeOnInvalidTimestamp(record(7), 5, clock)).toBe(7);
    expect(usePartitionTimeOnInvalidTimestamp(record(-1), 5, clock)).toBe(5);
    expect(failure(() => usePartitionTimeOnInvalidTimestamp(record(-1), -1, clock))).toMatch(
      /^STREAMS_INVALID_TIMESTAMP: .*no record of its partition/,
    );
  });

  test('the wall clock counts, whatever the record says', () => {
    expect(wallclockTimestamp(record(-1), 5, clock)).toBe(1_000);
  });
});
