import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { TopicNameExtractor } from '../processor/topic-name-extractor.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { TopicPattern } from './topic-pattern.ts';

/** Where a partition without a committed offset begins; `'none'` is an error. */
export type OffsetReset = 'earliest' | 'latest' | 'none';

/** Reads topics. Serdes that are null are those of the config (`defaultKeySerde`, `defaultValueSerde`). */
export interface SourceNode {
  readonly kind: 'source';
  readonly name: string;
  /** Names of the user's topics, and of repartition topics without the application id (`RepartitionTopic.name`). */
  readonly topics: readonly string[];
  /** Only the cluster knows which topics these are: `resolvePatterns` puts them into `topics`, which are none before. */
  readonly pattern?: TopicPattern;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  /** Null: the default of the config; for a repartition topic always fail-on-invalid. */
  readonly timestampExtractor: TimestampExtractor | null;
  readonly offsetReset: OffsetReset | null;
  readonly children: readonly string[];
}

export interface ProcessorNode {
  readonly kind: 'processor';
  readonly name: string;
  readonly create: CreateInternalProcessor;
  /** Names of the stores, global ones included, that it may ask its context for. */
  readonly stores: readonly string[];
  readonly children: readonly string[];
}

export interface SinkNode {
  readonly kind: 'sink';
  readonly name: string;
  /** A fixed topic (a repartition topic without the application id) or one for each record. */
  readonly topic: string | TopicNameExtractor;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly partitioner: StreamPartitioner | null;
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode;

/** A topic that the runtime makes: `<application id>-<name>`. `name` ends in `-repartition`. */
export interface RepartitionTopic {
  readonly name: string;
  /** Null: as many as the largest of the topics that feed it. */
  readonly partitions: number | null;
}

/** A set of nodes that are connected by edges or stores: one task for each partition runs it. */
export interface Subtopology {
  readonly id: number;
  /** In the order they were added; children come after their parents. */
  readonly nodes: readonly TopologyNode[];
  readonly stores: readonly StoreBuilder[];
  /** Of all its sources, user topics and repartition topics alike. */
  readonly sourceTopics: readonly string[];
  /** Fixed topics of its sinks. */
  readonly sinkTopics: readonly string[];
  /** Sets of source topics that must have equal partition counts (joins, merges of keyed state). */
  readonly copartitionGroups: readonly (readonly string[])[];
}

/** A topic that every instance keeps whole: read before RUNNING, then followed. No changelog of its own. */
export interface GlobalStore {
  readonly source: SourceNode;
  /** Builds the processor that writes the store; it forwards nothing. */
  readonly processor: ProcessorNode;
  readonly store: StoreBuilder;
}

/** The frozen, physical plan that the runtime and the test driver run. */
export interface TopologyPlan {
  readonly subtopologies: readonly Subtopology[];
  readonly repartitionTopics: readonly RepartitionTopic[];
  readonly globalStores: readonly GlobalStore[];
  /** Sets of sources whose topics must have equal partition counts: what co-partition groups are made of. */
  readonly copartitionedSources?: readonly (readonly string[])[];
}
