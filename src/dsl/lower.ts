import type { ErrorSite } from '../common/errors.ts';
import { dropNullKeys } from '../operators/drop-null-keys.ts';
import { passThrough } from '../operators/pass-through.ts';
import { failOnInvalidTimestamp } from '../processor/timestamp-extractors.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import { TopologyBuilder } from '../topology/topology-builder.ts';
import { topologyError } from '../topology/topology-error.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { RepartitionNode } from './logical-node.ts';
import type { TopologyOptimization } from './optimizations.ts';
import { mergeRepartitions } from './merge-repartitions.ts';
import { mergeSelfJoins } from './merge-self-joins.ts';
import { mergeSources, type MergedNode } from './merge-sources.ts';

/**
 * Writes a logical graph to a topology: parents before children, otherwise in the order in which the nodes were added.
 * Can be called again; the graph stays as it is.
 *
 * Errors: `STREAMS_TOPOLOGY`, naming the node that lacks a serde or clashes with another.
 * Source: `InternalStreamsBuilder.buildAndOptimizeTopology`.
 */
export function lower(
  graph: LogicalGraph,
  optimizations: ReadonlySet<TopologyOptimization> = new Set(),
): TopologyBuilder {
  const builder = new TopologyBuilder();
  const merged = mergeSources(graph);
  const { roots, renamedSources } = merged;
  const replaced = optimizations.has('mergeRepartitionTopics')
    ? mergeRepartitions(merged)
    : new Map<string, string>();
  const selfJoins = optimizations.has('singleStoreSelfJoin')
    ? mergeSelfJoins(merged)
    : new Set<MergedNode>();
  const reuseTopics = optimizations.has('reuseKTableSourceTopics');

  const waiting = new Set(roots);
  const written = new Set<MergedNode>();
  for (let next = first(waiting); next !== undefined; next = first(waiting)) {
    waiting.delete(next);
    if (!written.has(next) && [...next.parents].every((parent) => written.has(parent))) {
      write(builder, next, { reuseTopics, isSelfJoin: selfJoins.has(next) });
      written.add(next);
    }
    // A child whose other parents are not written yet waits until one of them brings it up again.
    for (const child of next.children) if (!written.has(child)) waiting.add(child);
  }

  for (const sources of graph.copartitioned) {
    builder.copartition(
      sources.map((source) => renamedSources.get(source) ?? replaced.get(source) ?? source),
    );
  }
  return builder;
}

function first(nodes: ReadonlySet<MergedNode>): MergedNode | undefined {
  let lowest: MergedNode | undefined;
  for (const node of nodes) {
    if (lowest === undefined || node.priority < lowest.priority) lowest = node;
  }
  return lowest;
}

function write(
  builder: TopologyBuilder,
  merged: MergedNode,
  { reuseTopics, isSelfJoin }: { readonly reuseTopics: boolean; readonly isSelfJoin: boolean },
): void {
  const { node } = merged;
  const parents = [...merged.parents].map((parent) => parent.node.name);
  switch (node.kind) {
    case 'stream-source':
      builder.addSource(withSerdes(node.source, { node: node.source.name }));
      return;
    case 'table-source': {
      builder.addSource(withSerdes(node.source, { node: node.name }));
      builder.addProcessor(node.name, node.create(), [node.source.name]);
      const store = node.store({ reuseTopic: reuseTopics });
      if (store !== null) builder.addStateStore(store, [node.name]);
      return;
    }
    case 'global-table':
      builder.addGlobalStore({
        store: node.store(),
        source: withSerdes(node.source, { node: node.name }),
        processorName: node.name,
        create: node.create,
      });
      return;
    case 'state-store':
      builder.addStateStore(node.store, []);
      return;
    case 'operator':
      builder.addProcessor(node.name, node.create(), parents);
      for (const store of node.stores()) addStore(builder, store, [node.name]);
      return;
    case 'join': {
      const form = isSelfJoin ? (node.selfJoin ?? node) : node;
      for (const { name, create, parents: sides } of form.processors) {
        builder.addProcessor(name, create(), sides);
      }
      for (const { store, processors } of form.stores()) addStore(builder, store, processors);
      return;
    }
    case 'repartition':
      writeRepartition(builder, node, parents, takesNullKeys(merged));
      return;
    case 'sink': {
      const { name, topic, partitioner } = node;
      const { key, value } = withSerdes(node, { node: name });
      builder.addSink({ name, topic, partitioner, key, value }, parents);
      return;
    }
  }
}

function addStore(
  builder: TopologyBuilder,
  store: string | StoreBuilder,
  processors: readonly string[],
): void {
  if (typeof store !== 'string') builder.addStateStore(store, processors);
  else for (const processor of processors) builder.connect(processor, store);
}

function writeRepartition(
  builder: TopologyBuilder,
  node: RepartitionNode,
  parents: readonly string[],
  nullKeysPass: boolean,
): void {
  const { name, topic, sinkName, filterName, partitions, partitioner } = node;
  const { key, value } = withSerdes(node, { node: name, topic });
  builder.addRepartitionTopic({ name: topic, partitions });
  if (filterName !== null) {
    builder.addProcessor(filterName, nullKeysPass ? passThrough() : dropNullKeys(), parents);
  }
  const sinkParents = filterName === null ? parents : [filterName];
  builder.addSink({ name: sinkName, topic, key, value, partitioner }, sinkParents);
  builder.addSource({
    name,
    topics: [topic],
    key,
    value,
    timestampExtractor: failOnInvalidTimestamp,
    offsetReset: null,
  });
}

/** Whether a left join below, however far, wants records without a key. */
function takesNullKeys(node: MergedNode): boolean {
  return [...node.children].some(
    (child) => ('takesNullKeys' in child.node && child.node.takesNullKeys) || takesNullKeys(child),
  );
}

interface NeedsSerdes {
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
}

function withSerdes<T extends NeedsSerdes>(spec: T, site: ErrorSite): T {
  const missing = spec.key === null ? 'key' : spec.value === null ? 'value' : null;
  if (missing === null) return spec;
  throw topologyError(
    `no serde for the ${missing} is known here: pass { ${missing}: … } to the call that writes, groups or joins ` +
      'these records, or to an operator before it',
    site,
  );
}
