import { StreamsError, type ErrorSite } from '../common/errors.ts';
import type { JoinStore } from '../state/join-store.ts';
import type { OuterJoinStore } from '../state/outer-join-store.ts';
import type { SessionStore } from '../state/session-store.ts';
import type { SessionTableStore } from '../state/session-table-store.ts';
import type { SubscriptionStore } from '../state/subscription-store.ts';
import type { ChangeBuffer, TimeOrderedBuffer } from '../state/time-ordered-buffer.ts';
import type { VersionedKeyValueStore } from '../state/versioned-key-value-store.ts';
import type { KeyValueStore } from '../state/key-value-store.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { TableStore } from '../state/table-store.ts';
import type { WindowStore } from '../state/window-store.ts';
import type { WindowTableStore } from '../state/window-table-store.ts';
import {
  asSessionStore,
  asSessionTableStore,
  asJoinStore,
  asOuterJoinStore,
  asChangeBuffer,
  asRecordBuffer,
  asVersionedKeyValueStore,
  asSubscriptionStore,
  asKeyValueStore,
  asTableStore,
  asWindowStore,
  asWindowTableStore,
} from '../state/store-views.ts';
import { readOnly } from './read-only-store.ts';

export interface ConnectedStoresOptions {
  readonly node: string;
  /** What the topology has connected to the node. */
  readonly names: readonly string[];
  /** Of the task. */
  readonly stores: ReadonlyMap<string, ManagedStore>;
  /** Of the instance; read-only here, and there for every node. */
  readonly globalStores: ReadonlyMap<string, ManagedStore>;
  readonly site: ErrorSite;
}

/**
 * The stores that one node may use, by kind.
 *
 * Errors: `STREAMS_STORE_UNKNOWN`, naming node, store and what it could have been.
 */
export class ConnectedStores {
  readonly #options: ConnectedStoresOptions;

  constructor(options: ConnectedStoresOptions) {
    this.#options = options;
  }

  keyValueStore<K, V>(name: string): KeyValueStore<K, V> {
    return this.#find(name, (store) => asKeyValueStore<K, V>(store));
  }

  windowStore<K, V>(name: string): WindowStore<K, V> {
    return this.#find(name, (store) => asWindowStore<K, V>(store));
  }

  tableStore<K, V>(name: string): TableStore<K, V> {
    return this.#find(name, (store) => asTableStore<K, V>(store));
  }

  windowTableStore<K, V>(name: string): WindowTableStore<K, V> {
    return this.#find(name, (store) => asWindowTableStore<K, V>(store));
  }

  sessionStore<K, A>(name: string): SessionStore<K, A> {
    return this.#find(name, (store) => asSessionStore<K, A>(store));
  }

  sessionTableStore<K, A>(name: string): SessionTableStore<K, A> {
    return this.#find(name, (store) => asSessionTableStore<K, A>(store));
  }

  joinStore<K, V>(name: string): JoinStore<K, V> {
    return this.#find(name, (store) => asJoinStore<K, V>(store));
  }

  outerJoinStore<K, VL, VR>(name: string): OuterJoinStore<K, VL, VR> {
    return this.#find(name, (store) => asOuterJoinStore<K, VL, VR>(store));
  }

  changeBuffer<K, V>(name: string): ChangeBuffer<K, V> {
    return this.#find(name, (store) => asChangeBuffer<K, V>(store));
  }

  recordBuffer<K, V>(name: string): TimeOrderedBuffer<K, V> {
    return this.#find(name, (store) => asRecordBuffer<K, V>(store));
  }

  versionedKeyValueStore<K, V>(name: string): VersionedKeyValueStore<K, V> {
    return this.#find(name, (store) => asVersionedKeyValueStore<K, V>(store));
  }

  subscriptionStore<FK, PK, V>(name: string): SubscriptionStore<FK, PK, V> {
    return this.#find(name, (store) => asSubscriptionStore<FK, PK, V>(store));
  }

  #find<S extends object>(name: string, face: (store: ManagedStore) => S): S {
    const { names, stores, globalStores, site, node } = this.#options;
    const own = names.includes(name) ? stores.get(name) : undefined;
    if (own !== undefined) return face(own);
    const shared = globalStores.get(name);
    if (shared !== undefined) return readOnly(face(shared), { ...site, node, store: name });
    const known = [...names, ...globalStores.keys()].join(', ') || 'none';
    throw new StreamsError(
      'STREAMS_STORE_UNKNOWN',
      `'${name}' is not connected to '${node}', whose stores are: ${known}. Name it in the processor's stores`,
      { site: { ...site, node, store: name } },
    );
  }
}
