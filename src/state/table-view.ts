import { StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { StoreEngine } from './store-engine.ts';
import type { TableListener, TableStore, Timestamped } from './table-store.ts';
import type {
  WindowOfKey,
  WindowRow,
  WindowTableListener,
  WindowTableStore,
} from './window-table-store.ts';

/** A timestamped key-value store as the operator of a table has it. */
export class TableView<K, V> implements TableStore<K, V> {
  readonly #engine: StoreEngine<K, V>;

  constructor(engine: StoreEngine<K, V>) {
    this.#engine = engine;
  }

  get name(): string {
    return this.#engine.name;
  }

  get(key: K): Timestamped<V> | null {
    return this.#engine.get(key, 0);
  }

  getAsOf(key: K): Timestamped<V> | null {
    return this.#engine.get(key, 0);
  }

  getOwn(key: K): Timestamped<V> | null {
    return this.#engine.getOwn(key, 0);
  }

  disown(key: K): void {
    this.#engine.disown(key, 0);
  }

  update(key: K, value: V | null, timestampMs: number, headers: Headers): void {
    this.#engine.update(key, value, 0, timestampMs, headers, false);
  }

  updateShared(key: K, value: V | null, timestampMs: number, headers: Headers): void {
    this.#engine.update(key, value, 0, timestampMs, headers, true);
  }

  listen(listener: TableListener<K, V>, options: { readonly sendOldValues: boolean }): void {
    this.#engine.listen((key, _start, newValue, oldValue, timestampMs, headers) => {
      listener(key, newValue, oldValue, timestampMs, headers, true);
    }, options.sendOldValues);
  }
}

/** A timestamped window store as the operator of a windowed table has it. */
export class WindowTableView<K, V> implements WindowTableStore<K, V> {
  readonly #engine: StoreEngine<K, V>;

  constructor(engine: StoreEngine<K, V>) {
    this.#engine = engine;
  }

  get name(): string {
    return this.#engine.name;
  }

  get(key: K, windowStartMs: number): Timestamped<V> | null {
    return this.#engine.get(key, windowStartMs);
  }

  getOwn(key: K, windowStartMs: number): Timestamped<V> | null {
    return this.#engine.getOwn(key, windowStartMs);
  }

  disown(key: K, windowStartMs: number): void {
    this.#engine.disown(key, windowStartMs);
  }

  update(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#engine.update(key, value, windowStartMs, timestampMs, headers, false);
  }

  updateShared(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#engine.update(key, value, windowStartMs, timestampMs, headers, true);
  }

  listen(listener: WindowTableListener<K, V>, options: { readonly sendOldValues: boolean }): void {
    this.#engine.listen(listener, options.sendOldValues);
  }

  windowsOf(): readonly WindowOfKey[] {
    throw this.#without('ranges');
  }

  startedIn(): Iterable<WindowRow<K, V>> {
    throw this.#without('a time index');
  }

  #without(part: string): StreamsError {
    return new StreamsError('STREAMS_INVARIANT', `this window store was built without ${part}`, {
      site: { store: this.#engine.name },
    });
  }
}
