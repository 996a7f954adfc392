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
}
