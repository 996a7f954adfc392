import type { Timestamped } from './table-store.ts';

/**
 * How a windowed join keeps the records of one side: a window store that keeps duplicates, so that all records of a key
 * with one timestamp are there. Never caches and never updates a row.
 *
 * Source: `RocksDBWindowStore` with `retainDuplicates`.
 */
export interface JoinStore<K, V> {
  readonly name: string;
  /**
   * Adds a record. A null value changes nothing, as in Kafka Streams. A record at or before the highest time seen less
   * the retention is dropped and counted (`expired-window`).
   */
  put(key: K, value: V | null, timestampMs: number): void;
  /**
   * The records of a key with times in `[fromMs, toMs]`, oldest first, those of equal time in the order of their `put`.
   * As of the call; the values are the caller's to hand to user code.
   */
  fetch(key: K, fromMs: number, toMs: number): readonly Timestamped<V>[];
}
