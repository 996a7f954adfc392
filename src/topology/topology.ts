import { newForEachTask } from '../processor/new-for-each-task.ts';
import type { ProcessorSupplier } from '../processor/processor.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { TopicNameExtractor } from '../processor/topic-name-extractor.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import { backedByTopic } from '../state/topic-backed-store.ts';
import { buildPlan } from './build-plan.ts';
import { describeTopology } from './describe.ts';
import { eraseExtractor, erasePartitioner, eraseSerde, eraseTopic } from './erase.ts';
import { mermaid } from './mermaid.ts';
import { TopicPattern } from './topic-pattern.ts';
import { describeAsData, type TopologyDescription } from './topology-description.ts';
import { TopologyBuilder, type SourceSpec } from './topology-builder.ts';
import type { OffsetReset, TopologyPlan } from './topology-plan.ts';

/** How a source node reads its topics. */
export interface SourceOptions<K, V> {
  /** Left out: the `defaultKeySerde` of the application. */
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
  /** Left out: the `defaultTimestampExtractor` of the application. */
  readonly timestampExtractor?: TimestampExtractor<K, V>;
  /** Where to start without a committed offset. Left out: as the application says. */
  readonly offsetReset?: OffsetReset;
}

/** How a sink node writes its topic. */
export interface SinkOptions<K, V> {
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
  /** Left out: murmur2 of the key's bytes, as Kafka's Java producer. */
  readonly partitioner?: StreamPartitioner<K, V>;
}

/** Where a global store comes from: a topic, through a processor that writes it. */
export interface GlobalStoreOptions<K, V> extends SourceOptions<K, V> {
  readonly topic: string;
  readonly sourceName: string;
  readonly processorName: string;
  /** Its processor writes the store and forwards nothing. */
  readonly processor: ProcessorSupplier<K, V, never, never>;
}

/** Where a store that is not written otherwise comes from: a topic, which is its changelog too. */
export interface ReadOnlyStoreOptions<K, V> extends SourceOptions<K, V> {
  readonly topic: string;
  readonly sourceName: string;
  readonly processorName: string;
  /** Writes the store: each record as it is, since that is how a restore takes them. */
  readonly processor: ProcessorSupplier<K, V>;
}

type Parents = string | readonly string[];

/** Topics by name, or those that a pattern matches: also those that come to be while the application runs. */
export type TopicSelection = string | readonly string[] | RegExp;

/**
 * A graph of sources, processors, sinks and stores: the lower of the two ways to write an application. The other one,
 * `StreamsBuilder`, ends in a `Topology` too.
 *
 * Every method checks what it is given. Errors: `STREAMS_TOPOLOGY`, naming the node or store and what to do.
 * Source: `org.apache.kafka.streams.Topology`.
 */
export class Topology {
  readonly #builder: TopologyBuilder;

  /** `builder`: only what `StreamsBuilder` passes; left out, the topology is empty. */
  constructor(builder: TopologyBuilder = new TopologyBuilder()) {
    this.#builder = builder;
  }

  addSource<K, V>(name: string, topics: TopicSelection, options: SourceOptions<K, V> = {}): this {
    this.#builder.addSource(sourceSpec(name, topics, options));
    return this;
  }

  /** Connects the stores that the supplier names, and adds those it brings. */
  addProcessor<KIn, VIn, KOut, VOut>(
    name: string,
    supplier: Omit<ProcessorSupplier<KIn, VIn, KOut, VOut>, 'name'>,
    parents: Parents,
  ): this {
    this.#builder.addProcessor(name, newForEachTask(supplier), listOf(parents));
    for (const store of supplier.stores ?? []) {
      if (typeof store === 'string') this.#builder.connect(name, store);
      else this.#builder.addStateStore(store, [name]);
    }
    return this;
  }

  /** A fixed topic, or one for each record; topics must exist. */
  addSink<K, V>(
    name: string,
    topic: string | TopicNameExtractor<K, V>,
    parents: Parents,
    options: SinkOptions<K, V> = {},
  ): this {
    this.#builder.addSink(
      {
        name,
        topic: eraseTopic(topic),
        key: eraseSerde(options.key),
        value: eraseSerde(options.value),
        partitioner: erasePartitioner(options.partitioner),
      },
      listOf(parents),
    );
    return this;
  }

  addStateStore(store: StoreBuilder, ...processors: readonly string[]): this {
    this.#builder.addStateStore(store, processors);
    return this;
  }

  connectProcessorAndStateStores(processor: string, ...stores: readonly string[]): this {
    for (const store of stores) this.#builder.connect(processor, store);
    return this;
  }

  /** A store that every instance keeps whole, from a topic; every processor can read it. Its builder must not log. */
  addGlobalStore<K, V>(store: StoreBuilder, options: GlobalStoreOptions<K, V>): this {
    const { topic, sourceName, processorName, processor } = options;
    this.#builder.addGlobalStore({
      store,
      source: sourceSpec(sourceName, topic, options),
      processorName,
      create: newForEachTask(processor),
    });
    return this;
  }

  /**
   * A store that is filled from a topic by its processor, and restored from that topic: it has no changelog. Other
   * processors may be connected to it and read it; only its own should write, or a restore brings back other rows.
   *
   * Source: KIP-813. Differs: the processor may forward.
   */
  addReadOnlyStateStore<K, V>(store: StoreBuilder, options: ReadOnlyStoreOptions<K, V>): this {
    const { topic, sourceName, processorName, processor } = options;
    this.#builder.addSource(sourceSpec(sourceName, topic, options));
    this.#builder.addProcessor(processorName, newForEachTask(processor), [sourceName]);
    this.#builder.addStateStore(backedByTopic(store, topic), [processorName]);
    return this;
  }

  /** The topology in the text of Kafka Streams, which its visualisers read. */
  describe(): string {
    return describeTopology(this.#builder);
  }

  /** As `describe()`, as data: what `JSON.stringify(topology)` writes. */
  toJSON(): TopologyDescription {
    return describeAsData(this.#builder);
  }

  /** As `describe()`, as a flowchart in the language of Mermaid. */
  toMermaid(): string {
    return mermaid(describeAsData(this.#builder));
  }

  /** The physical plan, frozen: what the runtime and the test driver run. */
  plan(): TopologyPlan {
    return buildPlan(this.#builder);
  }
}

/** A source as it is added, from what a user says of it. */
export function sourceSpec<K, V>(
  name: string,
  topics: TopicSelection,
  options: SourceOptions<K, V>,
): SourceSpec {
  return {
    name,
    ...(topics instanceof RegExp
      ? { topics: [], pattern: new TopicPattern(topics) }
      : { topics: listOf(topics) }),
    key: eraseSerde(options.key),
    value: eraseSerde(options.value),
    timestampExtractor: eraseExtractor(options.timestampExtractor),
    offsetReset: options.offsetReset ?? null,
  };
}

function listOf(names: Parents): readonly string[] {
  return typeof names === 'string' ? [names] : [...names];
}
