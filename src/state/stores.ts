import { parseDuration, type Duration } from '../common/duration.ts';
import { StreamsError } from '../common/errors.ts';
import type { Serde, Serdes } from '../serde/serde.ts';
import { EngineBuilder } from './engine-builder.ts';
import { PagedBuilder } from './paged-builder.ts';
import { PagedChangeBuffer } from './paged-change-buffer.ts';
import { PagedJoinStore } from './paged-join-store.ts';
import { PagedOuterJoinStore } from './paged-outer-join-store.ts';
import { PagedRecordBuffer } from './paged-record-buffer.ts';
import { PagedSessionStore } from './paged-session-store.ts';
import { PagedSubscriptionStore } from './paged-subscription-store.ts';
import { PagedVersionedStore } from './paged-versioned-store.ts';
import { PagedWindowStore } from './paged-window-store.ts';
import type { ChangelogOptions, StoreBuilder } from './store-builder.ts';

/** What all stores have in common. */
export interface StoreOptions<K, V> extends Serdes<K, V> {
  /** Names the store and its changelog topic: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** On disk (the default), or in memory and restored from its changelog at each start. */
  readonly persistent?: boolean;
  /** Holds writes back until the commit, and writes the last of each key to the changelog; false if left out. */
  readonly caching?: boolean;
  /** Topic configs of the changelog, or false for a store that nothing brings back. */
  readonly logging?: false | { readonly config?: Readonly<Record<string, string>> };
}

/** Of `Stores.window`. */
export interface WindowStoreOptions<K, V> extends StoreOptions<K, V> {
  readonly windowSize: Duration;
  /** How long windows are kept, by window start, in stream time; at least the window size. */
  readonly retention: Duration;
}

/** Of `Stores.versionedKeyValue`. */
export interface VersionedStoreOptions<K, V> extends Omit<StoreOptions<K, V>, 'caching'> {
  /** How long old versions can be read, and late ones written, in stream time. */
  readonly historyRetention: Duration;
}

/** Of `Stores.session`. */
export interface SessionStoreOptions<K, A> extends StoreOptions<K, A> {
  /** How long sessions are kept, by their end, in stream time. */
  readonly retention: Duration;
}

/**
 * Stores for processors, to be added to a topology and connected to the processors that use them.
 *
 * Errors: `STREAMS_TOPOLOGY` for a bad name, `STREAMS_CONFIG` for a bad duration.
 * Source: `org.apache.kafka.streams.state.Stores`.
 */
export const Stores = {
  /** Opened as `KeyValueStore<K, V>`. */
  keyValue<K, V>(options: StoreOptions<K, V>): StoreBuilder {
    return new EngineBuilder({ ...common(options), layout: 'key-value' });
  },

  /** Opened as `KeyValueStore<K, Timestamped<V>>`; the timestamp is that of the changelog record too. */
  timestampedKeyValue<K, V>(options: StoreOptions<K, V>): StoreBuilder {
    return new EngineBuilder({
      ...common(options),
      layout: 'timestamped-key-value',
      showsTimestamps: true,
    });
  },

  /** Opened as `WindowStore<K, V>`. */
  window<K, V>(options: WindowStoreOptions<K, V>): StoreBuilder {
    return new EngineBuilder({ ...common(options), ...windows(options), layout: 'window' });
  },

  /** Opened as `VersionedKeyValueStore<K, V>`. Never caches. */
  versionedKeyValue<K, V>(options: VersionedStoreOptions<K, V>): StoreBuilder {
    const { name, historyRetention } = options;
    const historyRetentionMs = parseDuration(historyRetention, 'historyRetention');
    if (historyRetentionMs < 0) {
      throw new StreamsError('STREAMS_CONFIG', 'a history retention is not negative', {
        site: { store: name, option: 'historyRetention' },
      });
    }
    const description = { ...common(options), cachingEnabled: false, historyRetentionMs };
    return new PagedBuilder({
      ...description,
      kind: 'versioned',
      retentionMs: historyRetentionMs,
      open: (context) => PagedVersionedStore.open(description, context),
    });
  },

  /** Opened as `SessionStore<K, A>`. */
  session<K, A>(options: SessionStoreOptions<K, A>): StoreBuilder {
    return sessionTableStoreBuilder(options);
  },
} as const;

/** A store as the DSL keeps a table in: opened as `TableStore<K, V>`, and as `KeyValueStore<K, V>` by others. */
export function tableStoreBuilder<K, V>(options: StoreOptions<K, V>): StoreBuilder {
  return new EngineBuilder({ ...common(options), layout: 'timestamped-key-value' });
}

/** What a windowed table's operator needs of its store beyond rows. Both make it a paged store. */
export interface WindowTableOptions<K, V> extends WindowStoreOptions<K, V> {
  /** `windowsOf`: for sliding windows. */
  readonly ranges?: boolean;
  /** `startedIn`: for emission on window close. */
  readonly timeIndex?: boolean;
}

/** As `tableStoreBuilder`, with a row for each window: `WindowTableStore<K, V>`, and `WindowStore<K, V>` for others. */
export function windowTableStoreBuilder<K, V>(options: WindowTableOptions<K, V>): StoreBuilder {
  const { ranges = false, timeIndex = false } = options;
  if (ranges || timeIndex) {
    const description = { ...common(options), ...windows(options), timeIndex };
    return new PagedBuilder({
      ...description,
      kind: 'window',
      open: (context) => PagedWindowStore.open(description, context),
    });
  }
  return new EngineBuilder({
    ...common(options),
    ...windows(options),
    layout: 'timestamped-window',
  });
}

export interface SessionTableOptions<K, A> extends SessionStoreOptions<K, A> {
  /** `endedIn`: for emission on window close. */
  readonly timeIndex?: boolean;
}

/** Sessions as the DSL keeps them: opened as `SessionTableStore<K, A>`, and as `SessionStore<K, A>` by others. */
export function sessionTableStoreBuilder<K, A>(options: SessionTableOptions<K, A>): StoreBuilder {
  const { name, retention, timeIndex = false } = options;
  const retentionMs = parseDuration(retention, 'retention');
  if (retentionMs <= 0) {
    throw new StreamsError('STREAMS_CONFIG', 'a session store needs a retention above 0 ms', {
      site: { store: name, option: 'retention' },
    });
  }
  const description = { ...common(options), retentionMs, timeIndex };
  return new PagedBuilder({
    ...description,
    kind: 'session',
    open: (context) => PagedSessionStore.open(description, context),
  });
}

/** One side of a windowed join: opened as `JoinStore<K, V>`. Never caches. */
export function joinStoreBuilder<K, V>(options: WindowStoreOptions<K, V>): StoreBuilder {
  const { serdes, ...description } = common(options);
  const { retentionMs } = windows(options);
  return new PagedBuilder({
    ...description,
    kind: 'join',
    cachingEnabled: false,
    retentionMs,
    open: (context) => PagedJoinStore.open({ ...description, serdes, retentionMs }, context),
  });
}

export interface OuterJoinStoreBuilderOptions<K, VL, VR> extends Omit<
  StoreOptions<K, VL>,
  'value'
> {
  readonly left: Serde<VL>;
  readonly right: Serde<VR>;
}

/** The records of a left or outer join that wait: opened as `OuterJoinStore<K, VL, VR>`. Never caches. */
export function outerJoinStoreBuilder<K, VL, VR>(
  options: OuterJoinStoreBuilderOptions<K, VL, VR>,
): StoreBuilder {
  const { left, right, key } = options;
  const description = common({ ...options, value: left });
  return new PagedBuilder({
    ...description,
    kind: 'outer-join',
    cachingEnabled: false,
    open: (context) => PagedOuterJoinStore.open({ ...description, key, left, right }, context),
  });
}

export interface SubscriptionStoreBuilderOptions<FK, PK, V> extends Omit<
  StoreOptions<FK, V>,
  'key'
> {
  readonly foreignKey: Serde<FK>;
  readonly primaryKey: Serde<PK>;
}

/** The subscriptions of a foreign-key join: opened as `SubscriptionStore<FK, PK, V>`. Never caches. */
export function subscriptionStoreBuilder<FK, PK, V>(
  options: SubscriptionStoreBuilderOptions<FK, PK, V>,
): StoreBuilder {
  const { foreignKey, primaryKey, value } = options;
  const description = {
    ...common({ ...options, key: foreignKey }),
    foreignKey,
    primaryKey,
    value,
    cachingEnabled: false,
  };
  return new PagedBuilder({
    ...description,
    kind: 'subscription',
    open: (context) => PagedSubscriptionStore.open(description, context),
  });
}

/** The buffer of `suppress`: opened as `ChangeBuffer<K, V>`. Never caches. */
export function changeBufferBuilder<K, V>(options: StoreOptions<K, V>): StoreBuilder {
  const description = { ...common(options), cachingEnabled: false };
  return new PagedBuilder({
    ...description,
    kind: 'change-buffer',
    open: (context) => PagedChangeBuffer.open(description, context),
  });
}

export interface RecordBufferBuilderOptions<K, V> extends StoreOptions<K, V> {
  readonly grace: Duration;
}

/** The buffer of a stream-table join with grace: opened as `TimeOrderedBuffer<K, V>`. Never caches. */
export function recordBufferBuilder<K, V>(options: RecordBufferBuilderOptions<K, V>): StoreBuilder {
  const graceMs = parseDuration(options.grace, 'grace');
  const description = { ...common(options), cachingEnabled: false, graceMs };
  return new PagedBuilder({
    ...description,
    kind: 'record-buffer',
    open: (context) => PagedRecordBuffer.open(description, context),
  });
}

interface CommonOptions<K, V> {
  readonly name: string;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly changelog: ChangelogOptions | null;
}

function common<K, V>(options: StoreOptions<K, V>): CommonOptions<K, V> {
  const { name, key, value, persistent = true, caching = false, logging = {} } = options;
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(name) || name === '.' || name === '..') {
    throw new StreamsError(
      'STREAMS_TOPOLOGY',
      `'${name}' cannot name a store, since it names a topic too: use up to 200 letters, digits, '.', '_' and '-'`,
      { site: { store: name } },
    );
  }
  return {
    name,
    serdes: { key, value },
    persistent,
    cachingEnabled: caching,
    changelog: logging === false ? null : { config: logging.config ?? {} },
  };
}

interface WindowOptions {
  readonly retentionMs: number;
  readonly windowSizeMs: number;
}

function windows<K, V>({ name, ...options }: WindowStoreOptions<K, V>): WindowOptions {
  const windowSizeMs = parseDuration(options.windowSize, 'windowSize');
  const retentionMs = parseDuration(options.retention, 'retention');
  if (retentionMs >= windowSizeMs && windowSizeMs > 0) return { retentionMs, windowSizeMs };
  throw new StreamsError(
    'STREAMS_CONFIG',
    `a window store needs a window size above 0 and a retention of at least that, not ${windowSizeMs} and ${retentionMs} ms`,
    { site: { store: name, option: 'retention' } },
  );
}
