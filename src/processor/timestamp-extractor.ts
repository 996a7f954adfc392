import type { Clock } from '../common/clock.ts';
import type { Headers } from '../common/record.ts';

/** A record as a timestamp extractor sees it: deserialized, with the broker's timestamp and its place. */
export interface ExtractedRecord<K = unknown, V = unknown> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: Headers;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * The event time of a record, in ms. `partitionTimeMs` is the highest timestamp processed so far of its partition, -1
 * at first; `clock` is the task's, which a test can move. A negative result drops the record (`negative-timestamp`).
 */
export type TimestampExtractor<K = unknown, V = unknown> = (
  record: ExtractedRecord<K, V>,
  partitionTimeMs: number,
  clock: Clock,
) => number;
