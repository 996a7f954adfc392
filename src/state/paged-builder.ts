import type { ManagedStore } from './managed-store.ts';
import type { ChangelogOptions, StoreBuilder, StoreKind } from './store-builder.ts';
import type { StoreContext } from './store-context.ts';

export interface PagedBuilderOptions {
  readonly name: string;
  readonly kind: StoreKind;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly changelog: ChangelogOptions | null;
  readonly retentionMs?: number;
  readonly open: (context: StoreContext) => ManagedStore;
}

/** The builder of paged stores. Types of keys and values end in `open`: a topology holds stores of many types. */
export class PagedBuilder implements StoreBuilder {
  readonly name: string;
  readonly kind: StoreKind;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly changelog: ChangelogOptions | null;
  readonly retentionMs?: number;
  readonly #open: (context: StoreContext) => ManagedStore;

  constructor(options: PagedBuilderOptions) {
    this.name = options.name;
    this.kind = options.kind;
    this.persistent = options.persistent;
    this.cachingEnabled = options.cachingEnabled;
    this.changelog = options.changelog;
    if (options.retentionMs !== undefined) this.retentionMs = options.retentionMs;
    this.#open = options.open;
  }

  open(context: StoreContext): ManagedStore {
    return this.#open(context);
  }
}
