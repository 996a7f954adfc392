import type { StoreContext } from './store-context.ts';
import type { ManagedStore } from './managed-store.ts';

/** By what a store is asked for. */
export type StoreKind =
  | 'key-value'
  | 'window'
  | 'session'
  | 'join'
  | 'outer-join'
  | 'change-buffer'
  | 'record-buffer'
  | 'versioned'
  | 'subscription';

/** How a store's changelog topic is made: Kafka Streams' names, defaults and rules. */
export interface ChangelogOptions {
  /** Topic configs over the defaults, such as `{ 'retention.ms': '-1' }`. */
  readonly config: Readonly<Record<string, string>>;
  /** A topic that the store's sub-topology reads, in place of one of its own (`backedByTopic`). */
  readonly sourceTopic?: string;
}

/**
 * The description of a store: name, serdes, whether it caches and logs. Immutable; one is shared by all tasks, each of
 * which opens a store of its own from it. Made by `Stores` and by the DSL.
 */
export interface StoreBuilder {
  readonly name: string;
  readonly kind: StoreKind;
  /** False for stores in memory, which are restored from their changelog at each start. */
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  /** Null where logging is off: then nothing brings the content back. */
  readonly changelog: ChangelogOptions | null;
  /** Of window stores: how long windows are kept, by window start, in stream time. */
  readonly retentionMs?: number;
  open(context: StoreContext): ManagedStore;
}
