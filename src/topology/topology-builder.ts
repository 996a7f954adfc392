import type { StreamsError } from '../common/errors.ts';
import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { GlobalStore, RepartitionTopic, SinkNode, SourceNode } from './topology-plan.ts';
import type { TopicPattern } from './topic-pattern.ts';
import { topologyError } from './topology-error.ts';

/** A source as it is added: children come to know themselves by their parents. */
export type SourceSpec = Omit<SourceNode, 'kind' | 'children'>;
export type SinkSpec = Omit<SinkNode, 'kind'>;

/** A node of the graph with its parents and, for a processor, the stores it is connected to. */
export type BuilderNode = (
  | ({ readonly kind: 'source' } & SourceSpec)
  | { readonly kind: 'processor'; readonly name: string; readonly create: CreateInternalProcessor }
  | ({ readonly kind: 'sink' } & SinkSpec)
) & { readonly parents: readonly string[]; readonly stores: Set<string> };

export interface GlobalStoreSpec {
  readonly store: StoreBuilder;
  readonly source: SourceSpec;
  readonly processorName: string;
  readonly create: CreateInternalProcessor;
}

/**
 * The graph of a topology while it is put together, checked at every step: nodes in the order they are added, stores,
 * repartition topics, and which sources must have equal partition counts. `Topology` and the DSL both write to one;
 * `buildPlan` and `describe` read it.
 *
 * Errors: `STREAMS_TOPOLOGY`, naming the node, store or topic, from every method.
 * Source: `org.apache.kafka.streams.processor.internals.InternalTopologyBuilder`.
 */
export class TopologyBuilder {
  readonly #nodes = new Map<string, BuilderNode>();
  readonly #stores = new Map<string, StoreBuilder>();
  readonly #globalStores = new Map<string, GlobalStore>();
  readonly #repartitionTopics = new Map<string, RepartitionTopic>();
  readonly #copartitionedSources: (readonly string[])[] = [];
  readonly #sourceOfTopic = new Map<string, string>();
  readonly #sourceOfPattern = new Map<TopicPattern, string>();

  get nodes(): ReadonlyMap<string, BuilderNode> {
    return this.#nodes;
  }

  get stores(): ReadonlyMap<string, StoreBuilder> {
    return this.#stores;
  }

  /** By store name. Their nodes are among `nodes` too, since they take part in the numbering of sub-topologies. */
  get globalStores(): ReadonlyMap<string, GlobalStore> {
    return this.#globalStores;
  }

  get repartitionTopics(): ReadonlyMap<string, RepartitionTopic> {
    return this.#repartitionTopics;
  }

  get copartitionedSources(): readonly (readonly string[])[] {
    return this.#copartitionedSources;
  }

  addSource(source: SourceSpec): void {
    this.#checkFree(source.name);
    if (source.topics.length === 0 && source.pattern === undefined) {
      throw topologyError('a source needs at least one topic', { node: source.name });
    }
    for (const topic of source.topics) this.#claimTopic(topic, source.name);
    if (source.pattern !== undefined) this.#claimPattern(source.pattern, source.name);
    this.#nodes.set(source.name, { kind: 'source', ...source, parents: [], stores: new Set() });
  }

  addProcessor(name: string, create: CreateInternalProcessor, parents: readonly string[]): void {
    this.#checkFree(name);
    this.#checkParents(name, parents);
    this.#nodes.set(name, { kind: 'processor', name, create, parents, stores: new Set() });
  }

  addSink(sink: SinkSpec, parents: readonly string[]): void {
    this.#checkFree(sink.name);
    this.#checkParents(sink.name, parents);
    if (sink.topic === '') throw topologyError('a sink needs a topic', { node: sink.name });
    this.#nodes.set(sink.name, { kind: 'sink', ...sink, parents, stores: new Set() });
  }

  /** The same builder object may be added again; another one of the same name may not. */
  addStateStore(store: StoreBuilder, processors: readonly string[]): void {
    const known = this.#stores.get(store.name);
    if ((known !== undefined && known !== store) || this.#globalStores.has(store.name)) {
      throw topologyError(`another store is already called '${store.name}': give one a new name`, {
        store: store.name,
      });
    }
    this.#stores.set(store.name, store);
    for (const processor of processors) this.connect(processor, store.name);
  }

  connect(processor: string, store: string): void {
    const node = this.#nodes.get(processor);
    if (node === undefined) {
      throw topologyError(
        `there is no processor '${processor}' to connect a store to: add it first`,
        { store },
      );
    }
    if (node.kind !== 'processor') {
      throw topologyError(`a ${node.kind} cannot have a store: connect it to a processor`, {
        node: processor,
        store,
      });
    }
    if (this.#globalStores.has(store)) {
      throw topologyError(
        `'${store}' is global: every processor can read it without being connected`,
        {
          node: processor,
          store,
        },
      );
    }
    if (!this.#stores.has(store)) {
      throw topologyError(`there is no store '${store}': add it with addStateStore first`, {
        node: processor,
        store,
      });
    }
    node.stores.add(store);
  }

  addGlobalStore({ store, source, processorName, create }: GlobalStoreSpec): void {
    if (this.#stores.has(store.name) || this.#globalStores.has(store.name)) {
      throw topologyError(`another store is already called '${store.name}': give one a new name`, {
        store: store.name,
      });
    }
    if (store.changelog !== null) {
      throw topologyError(
        'a global store is restored from its topic: build it with `logging: false`',
        {
          store: store.name,
        },
      );
    }
    this.addSource(source);
    this.addProcessor(processorName, create, [source.name]);
    this.#nodes.get(processorName)?.stores.add(store.name);
    this.#globalStores.set(store.name, {
      source: { kind: 'source', ...source, children: [processorName] },
      processor: {
        kind: 'processor',
        name: processorName,
        create,
        stores: [store.name],
        children: [],
      },
      store,
    });
  }

  addRepartitionTopic(topic: RepartitionTopic): void {
    const known = this.#repartitionTopics.get(topic.name);
    if (known !== undefined) {
      throw topologyError(
        `two operators repartition through '${topic.name}': give one of them another name`,
        { topic: topic.name },
      );
    }
    this.#repartitionTopics.set(topic.name, topic);
  }

  /** The topics of these sources must have equal partition counts. */
  copartition(sources: readonly string[]): void {
    this.#copartitionedSources.push(sources);
  }

  #checkFree(name: string): void {
    if (name === '') throw topologyError('a node needs a name');
    if (this.#nodes.has(name)) {
      throw topologyError('another node has this name: give one of them a new name', {
        node: name,
      });
    }
  }

  #checkParents(name: string, parents: readonly string[]): void {
    if (parents.length === 0) {
      throw topologyError('a node that is no source needs at least one parent', { node: name });
    }
    for (const parent of parents) {
      if (parent === name) throw topologyError('a node cannot be its own parent', { node: name });
      const node = this.#nodes.get(parent);
      if (node === undefined) {
        throw topologyError(
          `its parent '${parent}' is not there: add parents before their children`,
          {
            node: name,
          },
        );
      }
      if (node.kind === 'sink') {
        throw topologyError(`its parent '${parent}' is a sink, which passes nothing on`, {
          node: name,
        });
      }
    }
  }

  #claimPattern(pattern: TopicPattern, source: string): void {
    for (const [topic, owner] of this.#sourceOfTopic) {
      if (pattern.matches(topic)) throw readTwice(topic, owner, source);
    }
    this.#sourceOfPattern.set(pattern, source);
  }

  #claimTopic(topic: string, source: string): void {
    for (const [pattern, owner] of this.#sourceOfPattern) {
      if (pattern.matches(topic)) throw readTwice(topic, owner, source);
    }
    const owner = this.#sourceOfTopic.get(topic);
    if (owner !== undefined) {
      throw readTwice(topic, owner, source);
    }
    if (topic === '') throw topologyError('a topic needs a name', { node: source });
    this.#sourceOfTopic.set(topic, source);
  }
}

function readTwice(topic: string, owner: string, source: string): StreamsError {
  return topologyError(
    `'${owner}' reads this topic already: a topology reads a topic once, so share that stream or table`,
    { node: source, topic },
  );
}
