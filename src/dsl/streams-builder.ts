import { globalTableSource } from '../operators/global-table-source.ts';
import { tableSource } from '../operators/table-source.ts';
import { newForEachTask } from '../processor/new-for-each-task.ts';
import type { ProcessorSupplier } from '../processor/processor.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import { backedByTopic } from '../state/topic-backed-store.ts';
import { eraseSerde } from '../topology/erase.ts';
import { sourceSpec, Topology, type TopicSelection } from '../topology/topology.ts';
import { GlobalKTable } from './global-ktable.ts';
import { KStream } from './kstream.ts';
import { KTable } from './ktable.ts';
import { LogicalGraph } from './logical-graph.ts';
import { lower } from './lower.ts';
import { buildGlobalStore, buildTableStore, storeNameOf } from './materialized.ts';
import { optimizationsOf, type BuildOptions } from './optimizations.ts';
import type { Consumed, StoreOptions } from './options.ts';
import { SourceTable } from './table-logic.ts';

/**
 * Where an application begins: streams and tables of topics, from which operators make others.
 *
 *     const builder = new StreamsBuilder();
 *     builder
 *       .stream('clicks', { key: serdes.string, value: serdes.json<Click>() })
 *       .groupByKey()
 *       .count({ store: 'clicks-per-user' })
 *       .toStream()
 *       .to('counts');
 *     const topology = builder.build();
 *
 * Nodes, stores and topics are named as Kafka Streams names them, by the order of the calls.
 * Source: `org.apache.kafka.streams.StreamsBuilder`.
 */
export class StreamsBuilder {
  readonly #graph = new LogicalGraph();

  /**
   * The records of one topic, of several, or of all whose whole name a pattern matches (`/orders-.+/`), those that come
   * to be later too. Calls for the same topics share one source.
   */
  stream<K, V>(topics: TopicSelection, consumed: Consumed<K, V>): KStream<K, V> {
    const graph = this.#graph;
    const name = graph.nodeName('KSTREAM-SOURCE-', consumed.name);
    const source = sourceSpec(name, topics, consumed);
    const node = graph.add({ kind: 'stream-source', name, source });
    const { key, value } = node.source;
    return new KStream({ graph, node, key, value, sources: [name], repartitionRequired: false });
  }

  /**
   * A topic as a table: the last value of each key; a null value deletes, a record without a key is dropped. Its rows
   * are kept only if the store is named or something downstream needs them.
   */
  table<K, V>(topic: string, options: Consumed<K, V> & StoreOptions): KTable<K, V> {
    const graph = this.#graph;
    const key = eraseSerde(options.key);
    const value = eraseSerde(options.value);
    const store = storeNameOf(graph, `${topic}-`, options);
    const sourceName = graph.suffixedName('KSTREAM-SOURCE-', '-source', options.name);
    const name = graph.nodeName('KTABLE-SOURCE-', options.name);
    const logic = new SourceTable(store, options);
    const node = graph.add({
      kind: 'table-source',
      name,
      source: sourceSpec(sourceName, topic, options),
      create: () =>
        tableSource<K, V>({
          store: logic.stored ? store : null,
          sendOldValues: logic.sendsOldValues,
          sharedValues: false,
        }),
      store: ({ reuseTopic }) => {
        if (!logic.stored) return null;
        const built = buildTableStore({ name: store, key, value, options });
        return reuseTopic ? backedByTopic(built, topic) : built;
      },
    });
    const queryableStore = options.store ?? null;
    return new KTable({ graph, node, key, value, sources: [sourceName], logic, queryableStore });
  }

  /** A topic as a table that every instance keeps whole. */
  globalTable<K, V>(
    topic: string,
    options: Consumed<K, V> & Pick<StoreOptions, 'store' | 'persistent'>,
  ): GlobalKTable<K, V> {
    const graph = this.#graph;
    const key = eraseSerde(options.key);
    const value = eraseSerde(options.value);
    const store = storeNameOf(graph, `${topic}-`, options);
    const sourceName = graph.suffixedName('KSTREAM-SOURCE-', '-source', options.name);
    graph.add({
      kind: 'global-table',
      name: graph.nodeName('KTABLE-SOURCE-', options.name),
      source: sourceSpec(sourceName, topic, options),
      create: globalTableSource<K, V>(store),
      store: () => buildGlobalStore({ name: store, key, value, options }),
    });
    return new GlobalKTable(store, options.store ?? null);
  }

  /**
   * A store that every instance keeps whole, filled from a topic by a processor of your own, which forwards nothing.
   * Every processor can read it. Build it with `logging: false`: its topic brings it back, through the processor.
   *
   * Source: `StreamsBuilder.addGlobalStore`.
   */
  addGlobalStore<K, V>(
    store: StoreBuilder,
    topic: string,
    consumed: Consumed<K, V>,
    processor: ProcessorSupplier<K, V, never, never>,
  ): this {
    const graph = this.#graph;
    const sourceName = graph.suffixedName('KSTREAM-SOURCE-', '-source', consumed.name);
    graph.add({
      kind: 'global-table',
      name: graph.nodeName('KTABLE-SOURCE-', consumed.name ?? processor.name),
      source: sourceSpec(sourceName, topic, consumed),
      create: newForEachTask(processor),
      store: () => store,
    });
    return this;
  }

  /** A store for processors, which name it in their `stores`. */
  addStateStore(store: StoreBuilder): this {
    this.#graph.add({ kind: 'state-store', name: store.name, store });
    return this;
  }

  /**
   * The topology of everything described so far. May be called again after more calls.
   *
   * Errors: `STREAMS_TOPOLOGY`, naming the node and what to do, for whatever is wrong with the whole.
   */
  build(options: BuildOptions = {}): Topology {
    const topology = new Topology(lower(this.#graph, optimizationsOf(options)));
    topology.plan(); // so that what is wrong shows here
    return topology;
  }
}
