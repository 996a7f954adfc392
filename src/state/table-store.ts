import type { Headers } from '../common/record.ts';

/** A row of a table with the timestamp of the update that wrote it. */
export interface Timestamped<V> {
  readonly value: V;
  readonly timestampMs: number;
}

/**
 * Gets each update of a table: at once where its store does not cache, else when the cache lets go of the row
 * (commit, eviction), with the value before the first cached update as the old one. `newValue` is the receiver's own
 * object; `oldValue` is null unless `sendOldValues`.
 *
 * A store that caches forwards no deletion of a row that was not there, and forwards a deletion with the time of the
 * record that caused it, as Kafka Streams.
 *
 * `isLatest` is false for a write that a versioned store has put before a later version. `oldValue` is then that later
 * version's. A write that is older than its history retention is not told.
 */
export type TableListener<K, V> = (
  key: K,
  newValue: V | null,
  oldValue: V | null,
  timestampMs: number,
  headers: Headers,
  isLatest: boolean,
) => void;

/** How the built-in operators keep a table: timestamped rows that forward their changes. */
export interface TableStore<K, V> {
  readonly name: string;
  /** A row whose value is the caller's to hand to user code. */
  get(key: K): Timestamped<V> | null;
  /** As `get`; where the store keeps versions, the one that was valid at that time. */
  getAsOf(key: K, asOfMs: number): Timestamped<V> | null;
  /**
   * The store's own object, for the caller that lets an aggregator change it and passes the result to `update` before
   * anything else reads this key. If the aggregator throws, call `disown(key)`: the next read decodes the old bytes.
   */
  getOwn(key: K): Timestamped<V> | null;
  disown(key: K): void;
  /**
   * Writes a row (null deletes), then tells the listener as described there. Takes `value` over: nobody else keeps it.
   */
  update(key: K, value: V | null, timestampMs: number, headers: Headers): void;
  /** As `update`, for a value that others see too, such as one that sibling branches of a stream share. */
  updateShared(key: K, value: V | null, timestampMs: number, headers: Headers): void;
  /** Set once, by the operator that owns the table, when its task is built. */
  listen(listener: TableListener<K, V>, options: { readonly sendOldValues: boolean }): void;
}
