import type { Windowed } from '../common/windowed.ts';

/** Window starts in `[fromMs, toMs]`, both included. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Reads never show a window older than the highest window start seen less the retention, as Kafka Streams. */
export interface ReadOnlyWindowStore<K, V> {
  readonly name: string;
  /** The value of one key in the window that starts at a time. */
  fetch(key: K, windowStartMs: number): V | null;
  /** Windows of one key, oldest first. */
  fetchRange(key: K, range: TimeRange): AsyncIterable<readonly [windowStartMs: number, value: V]>;
  /** Windows of all keys, by window start, then by key bytes. */
  fetchAll(range: TimeRange): AsyncIterable<readonly [key: Windowed<K>, value: V]>;
  all(): AsyncIterable<readonly [key: Windowed<K>, value: V]>;
}

export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  /** A null value deletes. A window older than the retention is dropped and counted (`expired-window`). */
  put(key: K, value: V | null, windowStartMs: number): void;
}
