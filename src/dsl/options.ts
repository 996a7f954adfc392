// Null is written without a serde. So where a stream's values can be null, `V` here is the type without it: a stream of
// `string | null` takes a serde of strings.

import type { Duration } from '../common/duration.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { Serde } from '../serde/serde.ts';
import type { OffsetReset } from '../topology/topology-plan.ts';

/** What a stream or table knows how to write and read: a type parameter of it, so that a missing serde shows at once. */
export type SerdePart = 'key' | 'value';

/** Both serdes, each required unless it is known already. */
export type SerdesFor<K, V, Known extends SerdePart> = KeySerdeFor<K, Known> &
  ValueSerdeFor<V, Known>;

/** The serde of keys, required unless it is known already. */
export type KeySerdeFor<K, Known extends SerdePart> = 'key' extends Known
  ? { readonly key?: Serde<K> }
  : { readonly key: Serde<K> };

/** The serde of values, required unless it is known already. */
export type ValueSerdeFor<V, Known extends SerdePart> = 'value' extends Known
  ? { readonly value?: Serde<V> }
  : { readonly value: Serde<V> };

/** Options as a last argument that may be left out if nothing in them is required. */
export type Optional<O> = Partial<O> extends O ? [options?: O] : [options: O];

/** Which serdes an options object brings. */
export type Given<O> =
  | (O extends { readonly key: object } ? 'key' : never)
  | (O extends { readonly value: object } ? 'value' : never);

/** What can have a name. */
export interface Named {
  /** Name of the node; generated if left out. */
  readonly name?: string;
}

/** How to read a topic. */
export interface Consumed<K, V> extends Named {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Left out: the `defaultTimestampExtractor` of the application. */
  readonly timestampExtractor?: TimestampExtractor<K, V>;
  /** Where to start without a committed offset. Left out: as the application says. */
  readonly offsetReset?: OffsetReset;
}

/** How to write a topic. */
export type Produced<K, V, Known extends SerdePart> = SerdesFor<K, V, Known> &
  Named & {
    /** Left out: murmur2 of the key's bytes as Kafka's Java producer; of windowed keys, of the key inside. */
    readonly partitioner?: StreamPartitioner<K, V | null>;
  };

/** How to send a stream through a topic of its own. */
export type Repartitioned<K, V, Known extends SerdePart> = SerdesFor<K, V, Known> & {
  /** Of the topic: `<application>-<name>-repartition`. Generated if left out. */
  readonly name?: string;
  /** Left out: as many as the largest of the topics that feed it. */
  readonly partitions?: number;
  readonly partitioner?: StreamPartitioner<K, V | null>;
};

/** How records are grouped; the name becomes that of the repartition topic, if there is one. */
export interface Grouped<K, V> extends Named {
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
}

/** How an operator keeps its table. */
export interface StoreOptions {
  /** Name of the store, by which it can be queried; generated if left out. */
  readonly store?: string;
  /** Whether the record cache holds back updates until a commit; true if left out. */
  readonly caching?: boolean;
  /** Of the changelog topic: its configs, or false for none, so that the table is lost with its disk. */
  readonly logging?: false | LoggingOptions;
  /** False keeps the table in memory and rebuilds it from the changelog at each start. */
  readonly persistent?: boolean;
  /** Keeps old versions of each row, so that streams join the table as it was. Needs a named store; never cached. */
  readonly versioned?: VersionedOptions;
}

/** Of a table that keeps old versions. */
export interface VersionedOptions {
  /** How long old versions can be read, and late updates written, in stream time. */
  readonly historyRetention: Duration;
}

/** Of the changelog topic of a store. */
export interface LoggingOptions {
  /** Topic configs over the defaults, such as `{ 'retention.ms': '-1' }`. */
  readonly config: Readonly<Record<string, string>>;
}

/** How a windowed operator keeps its table. */
export interface WindowStoreOptions extends Omit<StoreOptions, 'versioned'> {
  /** How long windows can be read, by their start, in stream time; size + grace if left out, and at least that. */
  readonly retention?: Duration;
}

/** An operator that keeps a table. */
export type Materialized<K, V, Known extends SerdePart> = SerdesFor<K, V, Known> &
  Named &
  StoreOptions;
/** A windowed operator that keeps a table. */
export type WindowMaterialized<K, V, Known extends SerdePart> = SerdesFor<K, V, Known> &
  Named &
  WindowStoreOptions;

/** How a windowed join of two streams keeps their records. Nothing of it is cached. */
export type StreamJoined<K, V, VO, Known extends SerdePart, KnownO extends SerdePart> = KeySerdeFor<
  K,
  Known | KnownO
> &
  ValueSerdeFor<V, Known> &
  OtherValueSerdeFor<VO, KnownO> &
  Named &
  Pick<StoreOptions, 'logging' | 'persistent'> & {
    /** What the names of its stores begin with; generated if left out. */
    readonly store?: string;
  };

type OtherValueSerdeFor<V, Known extends SerdePart> = 'value' extends Known
  ? { readonly otherValue?: Serde<V> }
  : { readonly otherValue: Serde<V> };

/** How a join by a foreign key sends what it has to: each must give one partition. */
export interface TableJoined<K, KO> extends Named {
  /** Of the answers, to where the rows of this table are; left out: to the partition that the row was in. */
  readonly partitioner?: StreamPartitioner<K, null>;
  /** Of the subscriptions, to where the rows of the other table are; left out: the default of its key. */
  readonly otherPartitioner?: StreamPartitioner<KO, null>;
}

/**
 * A join with a table: the serdes are for repartitioning the stream, where its key has changed, and for the buffer of a
 * join with grace.
 */
export interface Joined<K, V> extends Named {
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
  /**
   * How long a record waits, in stream time, for late updates of the table; none if left out. For versioned tables, whose
   * history retention must be at least that.
   */
  readonly grace?: Duration;
}
