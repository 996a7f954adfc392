import type { Serdes } from '../serde/serde.ts';
import type { ManagedStore } from './managed-store.ts';
import type { ChangelogOptions, StoreBuilder, StoreKind } from './store-builder.ts';
import type { StoreContext } from './store-context.ts';
import { StoreEngine } from './store-engine.ts';
import type { StoreLayout } from './task-storage.ts';

export interface EngineBuilderOptions<K, V> {
  readonly name: string;
  readonly layout: StoreLayout;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly changelog: ChangelogOptions | null;
  /** Of window stores only. */
  readonly retentionMs?: number;
  readonly windowSizeMs?: number;
  readonly showsTimestamps?: boolean;
}

/** The one builder of stores. Types of keys and values end here: a topology holds stores of many types. */
export class EngineBuilder<K, V> implements StoreBuilder {
  readonly name: string;
  readonly kind: StoreKind;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly changelog: ChangelogOptions | null;
  readonly retentionMs?: number;
  readonly #options: EngineBuilderOptions<K, V>;

  constructor(options: EngineBuilderOptions<K, V>) {
    this.name = options.name;
    this.kind = options.retentionMs === undefined ? 'key-value' : 'window';
    this.persistent = options.persistent;
    this.cachingEnabled = options.cachingEnabled;
    this.changelog = options.changelog;
    if (options.retentionMs !== undefined) this.retentionMs = options.retentionMs;
    this.#options = options;
  }

  open(context: StoreContext): ManagedStore {
    const { retentionMs = null, windowSizeMs = 0, showsTimestamps = false } = this.#options;
    return new StoreEngine(
      { ...this.#options, retentionMs, windowSizeMs, showsTimestamps },
      context,
    );
  }
}
