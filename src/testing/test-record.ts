import type { Duration } from '../common/duration.ts';
import type { Headers } from '../common/record.ts';

/** A record as it comes out of a topic. */
export interface TestRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: Headers;
}

/** A record that a test writes. */
export interface TestInputRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Left out: the time of the input topic, which starts at the wall clock's and moves as its options say. */
  readonly timestampMs?: number;
  readonly headers?: Headers;
  /** Left out: as a producer chooses it, by the key; records without a key go to the partitions in turn. */
  readonly partition?: number;
}

/** Which times the records get. */
export interface InputTopicOptions {
  /** Time of the first record that has none of its own; left out, each takes the wall clock's. */
  readonly startTimestampMs?: number;
  /** How far the time moves after each record without its own; 0 if left out. */
  readonly autoAdvance?: Duration;
}

/** Which of the records are read. */
export interface OutputTopicOptions {
  /** Reads this partition alone; all of them, in the order of writing, if left out. */
  readonly partition?: number;
}
