import { StreamsError } from '../common/errors.ts';
import {
  CommittedKeyValueView,
  KeyValueView,
  PLAIN,
  TIMESTAMPED,
  type Lens,
} from './key-value-view.ts';
import type { JoinStore } from './join-store.ts';
import type { KeyValueStore, ReadOnlyKeyValueStore } from './key-value-store.ts';
import type { FacedStore, ManagedStore } from './managed-store.ts';
import type { OuterJoinStore } from './outer-join-store.ts';
import type { PagedSessionStore } from './paged-session-store.ts';
import { PagedWindowStore } from './paged-window-store.ts';
import type { ReadOnlySessionStore, SessionStore } from './session-store.ts';
import type { SessionTableStore } from './session-table-store.ts';
import type { StoreKind } from './store-builder.ts';
import { StoreEngine } from './store-engine.ts';
import type { SubscriptionStore } from './subscription-store.ts';
import type { TableStore } from './table-store.ts';
import { TableView, WindowTableView } from './table-view.ts';
import type { StoreLayout } from './task-storage.ts';
import type { ChangeBuffer, TimeOrderedBuffer } from './time-ordered-buffer.ts';
import type { VersionedKeyValueStore } from './versioned-key-value-store.ts';
import { VersionedTableView } from './versioned-table-view.ts';
import type { ReadOnlyWindowStore, WindowStore } from './window-store.ts';
import type { WindowTableStore } from './window-table-store.ts';
import { CommittedWindowView, WindowView } from './window-view.ts';

// From a store of a task, whose types are gone, to what a processor or a query asks for. Whoever asks names the types
// of key and value; that it is the right kind of store is checked here.
//
// Errors: `STREAMS_STORE_UNKNOWN`, naming the kind that was asked for and the kind that is there.

/** Shows the plain values of a table's store; of one made by `Stores.timestampedKeyValue`, `Timestamped` values. */
export function asKeyValueStore<K, V>(store: ManagedStore): KeyValueStore<K, V> {
  const engine = engineOf<K, unknown>(store, 'key-value store', KEY_VALUE);
  return new KeyValueView(engine, lensOf<V>(engine));
}

export function asWindowStore<K, V>(store: ManagedStore): WindowStore<K, V> {
  if (isPagedWindows<K, V>(store)) return store.face.view();
  return new WindowView(engineOf<K, V>(store, 'window store', WINDOW));
}

export function asTableStore<K, V>(store: ManagedStore): TableStore<K, V> {
  if (store.kind === 'versioned') return new VersionedTableView(asVersionedKeyValueStore(store));
  return new TableView(engineOf<K, V>(store, 'table store', ['timestamped-key-value']));
}

export function asWindowTableStore<K, V>(store: ManagedStore): WindowTableStore<K, V> {
  if (isPagedWindows<K, V>(store)) return store.face;
  return new WindowTableView(engineOf<K, V>(store, 'windowed table store', ['timestamped-window']));
}

export function asSessionTableStore<K, A>(store: ManagedStore): SessionTableStore<K, A> {
  return faceOf(store, 'session') as SessionTableStore<K, A>;
}

export function asSessionStore<K, A>(store: ManagedStore): SessionStore<K, A> {
  return (faceOf(store, 'session') as PagedSessionStore<K, A>).view();
}

/** As `asSessionStore`, read-only, and showing only what is committed: for interactive queries. */
export function committedSessionView<K, A>(store: ManagedStore): ReadOnlySessionStore<K, A> {
  return (faceOf(store, 'session') as PagedSessionStore<K, A>).committedView();
}

export function asJoinStore<K, V>(store: ManagedStore): JoinStore<K, V> {
  return faceOf(store, 'join') as JoinStore<K, V>;
}

export function asOuterJoinStore<K, VL, VR>(store: ManagedStore): OuterJoinStore<K, VL, VR> {
  return faceOf(store, 'outer-join') as OuterJoinStore<K, VL, VR>;
}

export function asChangeBuffer<K, V>(store: ManagedStore): ChangeBuffer<K, V> {
  return faceOf(store, 'change-buffer') as ChangeBuffer<K, V>;
}

export function asRecordBuffer<K, V>(store: ManagedStore): TimeOrderedBuffer<K, V> {
  return faceOf(store, 'record-buffer') as TimeOrderedBuffer<K, V>;
}

export function asVersionedKeyValueStore<K, V>(store: ManagedStore): VersionedKeyValueStore<K, V> {
  return faceOf(store, 'versioned') as VersionedKeyValueStore<K, V>;
}

export function asSubscriptionStore<FK, PK, V>(store: ManagedStore): SubscriptionStore<FK, PK, V> {
  return faceOf(store, 'subscription') as SubscriptionStore<FK, PK, V>;
}

/** As `asKeyValueStore`, read-only, and showing only what is committed: for interactive queries. */
export function committedKeyValueView<K, V>(store: ManagedStore): ReadOnlyKeyValueStore<K, V> {
  const engine = engineOf<K, unknown>(store, 'key-value store', KEY_VALUE);
  return new CommittedKeyValueView(engine, lensOf<V>(engine));
}

/** As `asWindowStore`, read-only, and showing only what is committed: for interactive queries. */
export function committedWindowView<K, V>(store: ManagedStore): ReadOnlyWindowStore<K, V> {
  if (isPagedWindows<K, V>(store)) return store.face.committedView();
  return new CommittedWindowView(engineOf<K, V>(store, 'window store', WINDOW));
}

const KEY_VALUE: readonly StoreLayout[] = ['key-value', 'timestamped-key-value'];
const WINDOW: readonly StoreLayout[] = ['window', 'timestamped-window'];

const KINDS: Readonly<Partial<Record<StoreLayout, string>>> = {
  'key-value': 'key-value store',
  'timestamped-key-value': 'table store (key-value, with timestamps)',
  window: 'window store',
  'timestamped-window': 'windowed table store (with timestamps)',
};

function engineOf<K, V>(
  store: ManagedStore,
  wanted: string,
  layouts: readonly StoreLayout[],
): StoreEngine<K, V> {
  if (store instanceof StoreEngine && layouts.includes(store.layout)) {
    // The types of key and value are the caller's word, as are those of the serdes that wrote them.
    return store as StoreEngine<K, V>;
  }
  throw wrongKind(store, wanted);
}

/** The kind says which face it is; the types of key and value are the caller's word, so the callers cast. */
function faceOf(store: ManagedStore, kind: StoreKind): object {
  if (store.kind === kind && isFaced(store)) return store.face;
  throw wrongKind(store, `${kind} store`);
}

function isPagedWindows<K, V>(
  store: ManagedStore,
): store is ManagedStore & { readonly face: PagedWindowStore<K, V> } {
  return isFaced(store) && store.face instanceof PagedWindowStore;
}

function isFaced(store: ManagedStore): store is FacedStore {
  return 'face' in store;
}

function wrongKind(store: ManagedStore, wanted: string): StreamsError {
  const found =
    (store instanceof StoreEngine ? KINDS[store.layout] : undefined) ?? `${store.kind} store`;
  return new StreamsError(
    'STREAMS_STORE_UNKNOWN',
    `a ${wanted} was asked for, and this is a ${found}: ask for that kind, or name another store`,
    { site: { store: store.name } },
  );
}

function lensOf<V>(engine: { readonly showsTimestamps: boolean }): Lens<unknown, V> {
  // What the lens shows is the V that the caller names for this store.
  return (engine.showsTimestamps ? TIMESTAMPED : PLAIN) as Lens<unknown, V>;
}
