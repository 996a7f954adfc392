import { readInt32, readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';

/** No record of the partition has been processed yet, or nobody knows. */
export const UNKNOWN_TIME_MS = -1;

const VERSION = 2;
const VERSION_WITH_TIME_ONLY = 1;

/** What is committed beside the offset of a source partition. */
export interface OffsetMetadata {
  /** The highest timestamp processed of the partition: without it windows would open again after a restart. */
  readonly partitionTimeMs: number;
  /** Times that operators keep across restarts, by their own names; those of the task, not of the partition. */
  readonly processorTimesMs: ReadonlyMap<string, number>;
}

/**
 * Offset metadata exactly as Kafka Streams commits it, so that either can go on where the other stopped:
 *
 *     base64( u8 2 | i64 partition time | [ i32 entries | (i32 length | name | i64 time)… ] )
 *
 * The part in brackets is left out where there is no entry.
 * Source: `org.apache.kafka.streams.processor.internals.TopicPartitionMetadata`, `ProcessorMetadata`.
 */
export function encodeOffsetMetadata({
  partitionTimeMs,
  processorTimesMs,
}: OffsetMetadata): string {
  const names = [...processorTimesMs.keys()].map((name) => Buffer.from(name));
  const namesLength = names.reduce((sum, name) => sum + 12 + name.length, 0);
  const bytes = Buffer.alloc(9 + (names.length === 0 ? 0 : 4 + namesLength));
  bytes[0] = VERSION;
  writeInt64(bytes, 1, partitionTimeMs);
  if (names.length > 0) writeInt32(bytes, 9, names.length);
  let at = 13;
  for (const [name, timeMs] of processorTimesMs) {
    const length = bytes.write(name, at + 4);
    writeInt32(bytes, at, length);
    writeInt64(bytes, at + 4 + length, timeMs);
    at += 12 + length;
  }
  return bytes.toString('base64');
}

/**
 * Null for text that is not of this format or of a newer version, and for times beyond 2^53: what it meant is lost, as
 * in Kafka Streams, and the caller says so. Empty text (no metadata) gives the unknown time.
 */
export function decodeOffsetMetadata(text: string): OffsetMetadata | null {
  const processorTimesMs = new Map<string, number>();
  if (text === '') return { partitionTimeMs: UNKNOWN_TIME_MS, processorTimesMs };

  const bytes = Buffer.from(text, 'base64');
  const isKnown = bytes[0] === VERSION || bytes[0] === VERSION_WITH_TIME_ONLY;
  if (!isKnown || bytes.length < 9) return null;
  const partitionTimeMs = readInt64(bytes, 1);
  if (!Number.isSafeInteger(partitionTimeMs)) return null;
  if (bytes[0] === VERSION_WITH_TIME_ONLY || bytes.length === 9) {
    return { partitionTimeMs, processorTimesMs };
  }
  if (bytes.length < 13) return null;
  let at = 13;
  for (let left = readInt32(bytes, 9); left > 0; left--) {
    const end = at + 4 <= bytes.length ? at + 4 + readInt32(bytes, at) : Infinity;
    if (end < at + 4 || end + 8 > bytes.length) return null;
    const timeMs = readInt64(bytes, end);
    if (!Number.isSafeInteger(timeMs)) return null;
    processorTimesMs.set(bytes.toString('utf8', at + 4, end), timeMs);
    at = end + 8;
  }
  return { partitionTimeMs, processorTimesMs };
}
