import type { KeyRange, KeyValueStore, ReadOnlyKeyValueStore } from './key-value-store.ts';
import { afterKey, prefixRange } from './database-keys.ts';
import type { Row } from './row.ts';
import type { StoreEngine } from './store-engine.ts';
import type { Timestamped } from './table-store.ts';
import type { StorageRange } from './task-storage.ts';

/** What a face shows of a row, and how it takes one in: the plain value, or the value with its timestamp. */
export interface Lens<V, Shown> {
  show(row: Timestamped<V>): Shown;
  valueOf(shown: Shown): V;
  /** Null: that of the record being processed. */
  timestampMsOf(shown: Shown): number | null;
}

export const PLAIN: Lens<unknown, unknown> = {
  show: (row) => row.value,
  valueOf: (value) => value,
  timestampMsOf: () => null,
};

export const TIMESTAMPED: Lens<unknown, Timestamped<unknown>> = {
  show: (row) => row,
  valueOf: (row) => row.value,
  timestampMsOf: (row) => row.timestampMs,
};

const NO_BYTES = new Uint8Array(0);

/** The committed content of a key-value store, for interactive queries. */
export class CommittedKeyValueView<K, V, Shown> implements ReadOnlyKeyValueStore<K, Shown> {
  readonly #committed: boolean;
  protected readonly engine: StoreEngine<K, V>;
  protected readonly lens: Lens<V, Shown>;

  constructor(engine: StoreEngine<K, V>, lens: Lens<V, Shown>, committed = true) {
    this.engine = engine;
    this.lens = lens;
    this.#committed = committed;
  }

  get name(): string {
    return this.engine.name;
  }

  get(key: K): Shown | null {
    const row = this.engine.getCommitted(key, 0);
    return row === null ? null : this.lens.show(row);
  }

  range(range: KeyRange<K> = {}): AsyncIterable<readonly [key: K, value: Shown]> {
    return this.#scan(this.#storageRange(range), false);
  }

  reverseRange(range: KeyRange<K> = {}): AsyncIterable<readonly [key: K, value: Shown]> {
    return this.#scan(this.#storageRange(range), true);
  }

  all(): AsyncIterable<readonly [key: K, value: Shown]> {
    return this.range();
  }

  prefixScan(prefix: Uint8Array): AsyncIterable<readonly [key: K, value: Shown]> {
    return this.#scan(prefixRange(this.engine.number, prefix), false);
  }

  #storageRange({ from, to }: KeyRange<K>): StorageRange {
    const all = prefixRange(this.engine.number, NO_BYTES);
    return {
      from: from === undefined ? all.from : this.#databaseKey(from),
      to: to === undefined ? all.to : afterKey(this.#databaseKey(to)),
    };
  }

  #databaseKey(key: K): Uint8Array {
    const { keys, codec } = this.engine;
    return keys.databaseKey(keys.logKey(codec.keyToBytes(key), 0));
  }

  #scan(range: StorageRange, reverse: boolean): AsyncIterable<readonly [key: K, value: Shown]> {
    const view = { reverse, committed: this.#committed };
    return this.engine.scan([range], view, (logKey, row) => this.#project(logKey, row));
  }

  #project(logKey: Uint8Array, { bytes, timestampMs }: Row): [K, Shown] | undefined {
    if (bytes === null) return undefined;
    const { codec } = this.engine;
    const value = codec.valueFromBytes(bytes);
    return [codec.keyFromBytes(logKey), this.lens.show({ value, timestampMs })];
  }
}

/** A key-value store as a processor has it: reads its own writes. */
export class KeyValueView<K, V, Shown>
  extends CommittedKeyValueView<K, V, Shown>
  implements KeyValueStore<K, Shown>
{
  constructor(engine: StoreEngine<K, V>, lens: Lens<V, Shown>) {
    super(engine, lens, false);
  }

  override get(key: K): Shown | null {
    const row = this.engine.get(key, 0);
    return row === null ? null : this.lens.show(row);
  }

  put(key: K, shown: Shown | null): void {
    const { engine, lens } = this;
    if (shown === null) {
      engine.put(key, null, 0, engine.recordTimestampMs);
    } else {
      const timestampMs = lens.timestampMsOf(shown) ?? engine.recordTimestampMs;
      engine.put(key, lens.valueOf(shown), 0, timestampMs);
    }
  }

  putIfAbsent(key: K, shown: Shown): Shown | null {
    const before = this.get(key);
    if (before === null) this.put(key, shown);
    return before;
  }

  delete(key: K): Shown | null {
    const before = this.get(key);
    this.put(key, null);
    return before;
  }
}
