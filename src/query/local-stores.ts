import { StreamsError } from '../common/errors.ts';
import type { Windowed } from '../common/windowed.ts';
import type { KeyRange, ReadOnlyKeyValueStore } from '../state/key-value-store.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { StoreKind } from '../state/store-builder.ts';
import { committedKeyValueView, committedWindowView } from '../state/store-views.ts';
import type { ReadOnlyWindowStore, TimeRange } from '../state/window-store.ts';

/** Where a query finds the stores of this instance. */
export interface StoreProvider {
  /** Kinds of all stores of the topology, global ones included. */
  readonly kinds: ReadonlyMap<string, StoreKind>;
  /**
   * One for each task here that has it. Errors: `STREAMS_NOT_RUNNING`, and `STREAMS_STORE_NOT_READY` while one of them is
   * being restored or moved.
   */
  find(name: string): readonly ManagedStore[];
}

/**
 * The committed, read-only view of a key-value store over all tasks of this instance. It follows the tasks as they come
 * and go: each call looks for them anew. A key whose task runs on another instance has no value here.
 *
 * Errors: those of `StoreProvider.find`; `STREAMS_STORE_UNKNOWN` for a store that the topology lacks or of another kind.
 */
export class LocalKeyValueStore<K, V> implements ReadOnlyKeyValueStore<K, V> {
  readonly name: string;
  readonly #provider: StoreProvider;

  constructor(name: string, provider: StoreProvider) {
    requireKind(name, 'key-value', provider);
    this.name = name;
    this.#provider = provider;
  }

  get(key: K): V | null {
    return firstValue(this.#views(), (view) => view.get(key));
  }

  range(range?: KeyRange<K>): AsyncIterable<readonly [key: K, value: V]> {
    return chain(this.#views(), (view) => view.range(range));
  }

  reverseRange(range?: KeyRange<K>): AsyncIterable<readonly [key: K, value: V]> {
    return chain(this.#views(), (view) => view.reverseRange(range));
  }

  all(): AsyncIterable<readonly [key: K, value: V]> {
    return chain(this.#views(), (view) => view.all());
  }

  prefixScan(prefix: Uint8Array): AsyncIterable<readonly [key: K, value: V]> {
    return chain(this.#views(), (view) => view.prefixScan(prefix));
  }

  #views(): readonly ReadOnlyKeyValueStore<K, V>[] {
    return this.#provider.find(this.name).map((store) => committedKeyValueView<K, V>(store));
  }
}

/** As `LocalKeyValueStore`, of a window store. */
export class LocalWindowStore<K, V> implements ReadOnlyWindowStore<K, V> {
  readonly name: string;
  readonly #provider: StoreProvider;

  constructor(name: string, provider: StoreProvider) {
    requireKind(name, 'window', provider);
    this.name = name;
    this.#provider = provider;
  }

  fetch(key: K, windowStartMs: number): V | null {
    return firstValue(this.#views(), (view) => view.fetch(key, windowStartMs));
  }

  fetchRange(key: K, range: TimeRange): AsyncIterable<readonly [windowStartMs: number, value: V]> {
    return chain(this.#views(), (view) => view.fetchRange(key, range));
  }

  fetchAll(range: TimeRange): AsyncIterable<readonly [key: Windowed<K>, value: V]> {
    return chain(this.#views(), (view) => view.fetchAll(range));
  }

  all(): AsyncIterable<readonly [key: Windowed<K>, value: V]> {
    return chain(this.#views(), (view) => view.all());
  }

  #views(): readonly ReadOnlyWindowStore<K, V>[] {
    return this.#provider.find(this.name).map((store) => committedWindowView<K, V>(store));
  }
}

function requireKind(name: string, wanted: StoreKind, { kinds }: StoreProvider): void {
  const kind = kinds.get(name);
  if (kind === wanted) return;
  const known = [...kinds.keys()].join(', ') || 'none';
  throw new StreamsError(
    'STREAMS_STORE_UNKNOWN',
    kind === undefined
      ? `the topology has no store of this name; its stores are: ${known}`
      : `this is a ${kind} store, not a ${wanted} store: ask for store(name, '${kind}')`,
    { site: { store: name } },
  );
}

/** A key lives in one task: the others say null. */
function firstValue<S, V>(stores: readonly S[], read: (store: S) => V | null): V | null {
  for (const store of stores) {
    const value = read(store);
    if (value !== null) return value;
  }
  return null;
}

/** One store after the other, each in its own order, as Kafka Streams' composite stores. */
async function* chain<S, T>(
  stores: readonly S[],
  read: (store: S) => AsyncIterable<T>,
): AsyncGenerator<T> {
  for (const store of stores) yield* read(store);
}
