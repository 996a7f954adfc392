import type { Windowed } from '../common/windowed.ts';

/** Window starts in `[fromMs, toMs]`, both included. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Reads show only windows that start after the highest window start seen less the retention, as Kafka Streams. Rows of
 * many keys come slice by slice of time, oldest first, and within a slice (half the retention, at least a minute) by
 * key bytes, then window start: as from Kafka Streams' segments.
 */
export interface ReadOnlyWindowStore<K, V> {
  readonly name: string;
  /** The value of one key in the window that starts at a time. */
  fetch(key: K, windowStartMs: number): V | null;
  /** Windows of one key, oldest first. */
  fetchRange(key: K, range: TimeRange): AsyncIterable<readonly [windowStartMs: number, value: V]>;
  /** Windows of all keys. */
  fetchAll(range: TimeRange): AsyncIterable<readonly [key: Windowed<K>, value: V]>;
  all(): AsyncIterable<readonly [key: Windowed<K>, value: V]>;
}

/** Errors: as `KeyValueStore`; `STREAMS_PROCESSING` for a window start that is no whole number from 0. */
export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  /** A null value deletes. A window older than the retention is dropped and counted (`expired-window`). */
  put(key: K, value: V | null, windowStartMs: number): void;
}
