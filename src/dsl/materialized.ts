import { parseDuration } from '../common/duration.ts';
import type { JoinWindows } from '../common/join-windows.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import {
  joinStoreBuilder,
  outerJoinStoreBuilder,
  recordBufferBuilder,
  sessionTableStoreBuilder,
  Stores,
  tableStoreBuilder,
  windowTableStoreBuilder,
  type StoreOptions as EngineOptionsOf,
} from '../state/stores.ts';
import { checkName, topologyError } from '../topology/topology-error.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { StoreOptions, WindowStoreOptions } from './options.ts';

type EngineOptions = EngineOptionsOf<unknown, unknown>;

/** What was said about a store when its operator was called; built when the graph is lowered. */
export interface StorePlan {
  readonly name: string;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly options: StoreOptions;
}

export interface WindowStorePlan extends StorePlan {
  readonly sizeMs: number;
  readonly retentionMs: number;
  /** Whether the windows of one key are read together. */
  readonly ranges: boolean;
  /** Whether the windows of all keys are read in order of time. */
  readonly timeIndex: boolean;
}

export interface SessionStorePlan extends StorePlan {
  readonly retentionMs: number;
  /** As for windows. */
  readonly timeIndex: boolean;
}

/** The store's name: as given, else generated. A generated one uses up a number, a given one does not. */
export function storeNameOf(graph: LogicalGraph, prefix: string, { store }: StoreOptions): string {
  if (store === undefined) return graph.storeName(prefix);
  checkName(store, 'the name of a store');
  return store;
}

/**
 * Whether anything but a node's name was said, as by a `Materialized` in Java: some operators use up a number for a
 * store then although they name none, and names after them depend on it.
 */
export function saysMaterialized(
  options: StoreOptions & { readonly key?: unknown; readonly value?: unknown },
): boolean {
  const { store, caching, logging, persistent, versioned, key, value } = options;
  return [store, caching, logging, persistent, versioned, key, value].some(
    (option) => option !== undefined,
  );
}

/**
 * How long a table keeps its versions; null where it keeps none.
 *
 * Errors: `STREAMS_TOPOLOGY` for a store without a name, `STREAMS_CONFIG` for a bad duration.
 */
export function historyRetentionOf({ store, versioned }: StoreOptions): number | null {
  if (versioned === undefined) return null;
  if (store !== undefined) return parseDuration(versioned.historyRetention, 'historyRetention');
  throw topologyError(
    "versions are kept in a store of a name: pass { store: '…' } beside versioned",
    {},
  );
}

/** Errors: `STREAMS_TOPOLOGY` for a retention that is shorter than windows can change. */
export function retentionOf(
  store: string,
  leastMs: number,
  { retention }: WindowStoreOptions,
): number {
  const retentionMs = retention === undefined ? leastMs : parseDuration(retention, 'retention');
  if (retentionMs >= leastMs) return retentionMs;
  throw topologyError(
    `its retention of ${retentionMs} ms is shorter than its windows and their grace, ${leastMs} ms: ` +
      'leave it out, or give at least that',
    { store },
  );
}

/** Errors: `STREAMS_TOPOLOGY` where a serde is not known. */
export function buildTableStore(plan: StorePlan): StoreBuilder {
  const { versioned } = plan.options;
  return versioned === undefined
    ? tableStoreBuilder(storeOptions(plan))
    : Stores.versionedKeyValue({ ...storeOptions(plan), ...versioned });
}

/** Of a global table: it caches nothing, and its topic brings it back. */
export function buildGlobalStore(plan: StorePlan): StoreBuilder {
  return tableStoreBuilder({ ...storeOptions(plan), caching: false, logging: false });
}

/** Errors: as `buildTableStore`. */
export function buildWindowStore(plan: WindowStorePlan): StoreBuilder {
  const { sizeMs, retentionMs, ranges, timeIndex } = plan;
  return windowTableStoreBuilder({
    ...storeOptions(plan),
    windowSize: sizeMs,
    retention: retentionMs,
    ranges,
    timeIndex,
  });
}

/** Errors: as `buildTableStore`. */
export function buildSessionStore(plan: SessionStorePlan): StoreBuilder {
  const { retentionMs, timeIndex } = plan;
  return sessionTableStoreBuilder({ ...storeOptions(plan), retention: retentionMs, timeIndex });
}

/** What a join of streams keeps of one side. */
export interface JoinStorePlan {
  readonly name: string;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly windows: JoinWindows;
  readonly options: Pick<StoreOptions, 'logging' | 'persistent'>;
}

/** Errors: as `buildTableStore`. */
export function buildJoinStore({ windows, ...plan }: JoinStorePlan): StoreBuilder {
  return joinStoreBuilder({
    ...storeOptions(plan),
    // Records of one moment join in windows of no length too, where Kafka Streams' stores lose them.
    windowSize: Math.max(windows.sizeMs, 1),
    retention: Math.max(windows.sizeMs + windows.graceMs, 1),
  });
}

/** Errors: as `buildTableStore`. */
export function buildOuterJoinStore(
  name: string,
  left: JoinStorePlan,
  right: JoinStorePlan,
): StoreBuilder {
  const { value: leftSerde, ...common } = storeOptions({ ...left, name });
  const { value: rightSerde } = storeOptions({ ...right, name });
  return outerJoinStoreBuilder({ ...common, left: leftSerde, right: rightSerde });
}

/** Where records of a stream wait. */
export interface RecordBufferPlan {
  readonly name: string;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly graceMs: number;
}

/** Errors: as `buildTableStore`. */
export function buildRecordBuffer({ graceMs, ...plan }: RecordBufferPlan): StoreBuilder {
  return recordBufferBuilder({ ...storeOptions({ ...plan, options: {} }), grace: graceMs });
}

/** Unlike a processor's store, a table's caches unless told otherwise. */
function storeOptions({ name, key, value, options }: StorePlan): EngineOptions {
  const { caching = true, logging = { config: {} }, persistent = true } = options;
  if (key !== null && value !== null) return { name, key, value, caching, logging, persistent };
  const missing = key === null ? 'key' : 'value';
  throw topologyError(
    `no serde for the ${missing} of this store is known: pass { ${missing}: … } to the call that made it, ` +
      'or to an operator before it',
    { store: name },
  );
}
