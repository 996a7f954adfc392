import type { Headers } from '../common/record.ts';
import type { TableListener, TableStore, Timestamped } from './table-store.ts';
import type { VersionedKeyValueStore } from './versioned-key-value-store.ts';

/**
 * A versioned store as the operator of a table has it: rows are the latest versions, `update` adds one at its timestamp
 * and tells the listener at once, unless the history retention has passed. Every value read is decoded for the reader.
 *
 * Source: `KeyValueStoreWrapper`; parity S3, T9.
 */
export class VersionedTableView<K, V> implements TableStore<K, V> {
  readonly #store: VersionedKeyValueStore<K, V>;
  #listener: TableListener<K, V> | null = null;
  #sendOldValues = false;

  constructor(store: VersionedKeyValueStore<K, V>) {
    this.#store = store;
  }

  get name(): string {
    return this.#store.name;
  }

  get(key: K): Timestamped<V> | null {
    return this.#store.get(key);
  }

  getAsOf(key: K, asOfMs: number): Timestamped<V> | null {
    return this.#store.getAsOf(key, asOfMs);
  }

  getOwn(key: K): Timestamped<V> | null {
    return this.#store.get(key);
  }

  disown(): void {
    // The store keeps bytes only: there is no object that a failed aggregator could have changed.
  }

  update(key: K, value: V | null, timestampMs: number, headers: Headers): void {
    const old = this.#sendOldValues ? this.#store.get(key) : null;
    const put = this.#store.put(key, value, timestampMs);
    if (put === 'rejected') return;
    const oldValue = old === null ? null : old.value;
    this.#listener?.(key, value, oldValue, timestampMs, headers, put === 'latest');
  }

  updateShared(key: K, value: V | null, timestampMs: number, headers: Headers): void {
    const old = this.#sendOldValues ? this.#store.get(key) : null;
    const put = this.#store.put(key, value, timestampMs);
    if (put === 'rejected') return;
    // The listener's own object: what was put is decoded again.
    const own = value === null ? null : this.#store.getAsOf(key, timestampMs);
    const newValue = own === null ? null : own.value;
    const oldValue = old === null ? null : old.value;
    this.#listener?.(key, newValue, oldValue, timestampMs, headers, put === 'latest');
  }

  listen(listener: TableListener<K, V>, options: { readonly sendOldValues: boolean }): void {
    this.#listener = listener;
    this.#sendOldValues = options.sendOldValues;
  }
}
