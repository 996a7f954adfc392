import type { StoreNote } from './case.ts';

interface NodeWithStore {
  readonly name: string;
  readonly store?: StoreNote;
}

interface GivenStoreOptions {
  readonly store?: string;
  readonly caching?: boolean;
  readonly retention?: number;
  readonly versioned?: { readonly historyRetention: number };
}

/** What a case says of a node's store, as our options. Only windowed stores have a retention. */
export function storeOptions({ name, store }: NodeWithStore): GivenStoreOptions {
  if (store === undefined) return {};
  return {
    ...(store.named === true || store.versionedMs !== undefined ? { store: `store-${name}` } : {}),
    ...(store.versionedMs === undefined
      ? {}
      : { versioned: { historyRetention: store.versionedMs } }),
    ...(store.caching === undefined ? {} : { caching: store.caching }),
    ...(store.retentionMs === undefined ? {} : { retention: store.retentionMs }),
  };
}
