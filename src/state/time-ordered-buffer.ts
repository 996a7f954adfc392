import type { Change } from '../common/change.ts';
import type { Headers } from '../common/record.ts';
import type { Timestamped } from './table-store.ts';

/** What a buffered record came with, and is forwarded with. Source: `ProcessorRecordContext`. */
export interface BufferedContext {
  readonly timestampMs: number;
  readonly headers: Headers;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Where a record comes from that no topic gave: one that a punctuator forwards. */
export const NOWHERE = { topic: '', partition: -1, offset: -1 } as const;

export interface Eviction<K, T> {
  readonly key: K;
  /** The receiver's own. */
  readonly value: T;
  readonly context: BufferedContext;
}

/**
 * Records that wait for stream time, ordered by a time that the operator gives them (the end of a window, say), then by
 * key bytes. Logged in Kafka Streams' format; what is evicted gets a tombstone.
 *
 * Source: `TimeOrderedKeyValueBuffer`.
 */
export interface TimeOrderedBuffer<K, T> {
  readonly name: string;
  readonly numRecords: number;
  /** Serialized keys and values of all that is buffered, as Kafka Streams counts them. */
  readonly bufferBytes: number;
  /** Of the oldest record; `Infinity` where there is none. */
  readonly minTimestampMs: number;
  /** False where the record is too old to be buffered: the caller has to treat it at once. */
  put(timeMs: number, key: K, value: T, context: BufferedContext): boolean;
  /**
   * Takes the oldest record out as long as the predicate, which is asked before each, holds and there is one. The
   * numbers above are up to date whenever the predicate and `evict` are called.
   */
  evictWhile(predicate: () => boolean, evict: (eviction: Eviction<K, T>) => void): void;
}

/**
 * The buffer of `suppress`: one record for each key. A later record of a buffered key replaces change and context, while
 * the time and the prior value stay those of the first.
 *
 * Source: `InMemoryTimeOrderedKeyValueChangeBuffer`.
 */
export interface ChangeBuffer<K, V> extends TimeOrderedBuffer<K, Change<V>> {
  /**
   * The value that the key had when its buffered record was first put; null where it had none, undefined where nothing
   * is buffered for the key.
   */
  priorValueForBuffered(key: K): Timestamped<V> | null | undefined;
}
