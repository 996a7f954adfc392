import type { Headers } from '../common/record.ts';
import type { Timestamped } from './table-store.ts';

/** As `TableListener`, for a row that is one key in the window `[windowStartMs, …)`. */
export type WindowTableListener<K, V> = (
  key: K,
  windowStartMs: number,
  newValue: V | null,
  oldValue: V | null,
  timestampMs: number,
  headers: Headers,
) => void;

/** A window of some key, without its value. */
export interface WindowOfKey {
  readonly windowStartMs: number;
  readonly timestampMs: number;
}

/** A window of some key, with its value. */
export interface WindowRow<K, V> extends Timestamped<V> {
  readonly key: K;
  readonly windowStartMs: number;
}

/**
 * `TableStore` with one row for each key and window start; the contract of each method is the same. A window past the
 * store's retention reads as null, and an update of it is dropped and counted (`expired-window`) and not forwarded.
 */
export interface WindowTableStore<K, V> {
  readonly name: string;
  get(key: K, windowStartMs: number): Timestamped<V> | null;
  getOwn(key: K, windowStartMs: number): Timestamped<V> | null;
  disown(key: K, windowStartMs: number): void;
  update(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
  ): void;
  updateShared(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
  ): void;
  listen(listener: WindowTableListener<K, V>, options: { readonly sendOldValues: boolean }): void;
  /**
   * The windows of a key that start in `[fromMs, toMs]`, oldest first; their values are to be had by `get` and `getOwn`.
   * As of the call: what is written afterwards does not change the answer.
   *
   * Errors: `STREAMS_INVARIANT` for a store that was built without ranges.
   */
  windowsOf(key: K, fromMs: number, toMs: number): readonly WindowOfKey[];
  /**
   * Windows of all keys that start in `[fromMs, toMs]`, by start, then key bytes, for emission on window close. The
   * values are the caller's. Read lazily, so the store must not be written before the iteration is over.
   *
   * Errors: `STREAMS_INVARIANT` for a store that was built without a time index.
   */
  startedIn(fromMs: number, toMs: number): Iterable<WindowRow<K, V>>;
}
