import { copartitionGroups, groupsReading } from './copartition-groups.ts';
import { nodeGroups } from './node-groups.ts';
import type { BuilderNode, TopologyBuilder } from './topology-builder.ts';
import { topologyError } from './topology-error.ts';
import type { Subtopology, TopologyNode, TopologyPlan } from './topology-plan.ts';

/**
 * The physical plan of a finished graph, frozen.
 *
 * Errors: `STREAMS_TOPOLOGY` for a topology that reads nothing, a store that no processor uses, a repartition topic
 * that is written or read only, and repartition topics that must have equal partition counts and were given others.
 */
export function buildPlan(builder: TopologyBuilder): TopologyPlan {
  if (![...builder.nodes.values()].some(({ kind }) => kind === 'source')) {
    throw topologyError('the topology reads no topic: start with stream(), table() or addSource()');
  }
  checkStoresUsed(builder);
  checkRepartitionTopics(builder);

  const children = childrenByParent(builder);
  const groups = copartitionGroups(builder.copartitionedSources, (name) => {
    const node = builder.nodes.get(name);
    return node?.kind === 'source' ? node.topics : [];
  });
  checkCopartitionCounts(builder, groups);

  const globalNodes = new Set([...builder.globalStores.values()].map(({ source }) => source.name));
  const subtopologies = nodeGroups(builder).flatMap((names, id) =>
    names.some((name) => globalNodes.has(name))
      ? []
      : [subtopology(builder, { id, names, children, copartitionGroups: groups })],
  );
  return freezePlan({
    subtopologies,
    repartitionTopics: [...builder.repartitionTopics.values()],
    globalStores: [...builder.globalStores.values()],
    copartitionedSources: builder.copartitionedSources,
  });
}

interface Group {
  readonly id: number;
  readonly names: readonly string[];
  readonly children: ReadonlyMap<string, readonly string[]>;
  readonly copartitionGroups: readonly (readonly string[])[];
}

function subtopology(builder: TopologyBuilder, group: Group): Subtopology {
  const added = group.names.map((name) => builder.nodes.get(name) as BuilderNode); // names are its keys
  const used = new Set(added.flatMap(({ stores }) => [...stores]));
  const sourceTopics = added.flatMap((node) => (node.kind === 'source' ? node.topics : []));
  return {
    id: group.id,
    nodes: added.map((node) => planNode(builder, node, group.children.get(node.name) ?? [])),
    stores: [...builder.stores.values()].filter(({ name }) => used.has(name)),
    sourceTopics,
    sinkTopics: unique(
      added.flatMap((node) =>
        node.kind === 'sink' && typeof node.topic === 'string' ? [node.topic] : [],
      ),
    ),
    copartitionGroups: groupsReading(group.copartitionGroups, sourceTopics),
  };
}

function planNode(
  builder: TopologyBuilder,
  node: BuilderNode,
  children: readonly string[],
): TopologyNode {
  const { name } = node;
  switch (node.kind) {
    case 'source': {
      const { topics, pattern, key, value, timestampExtractor, offsetReset } = node;
      return {
        kind: 'source',
        name,
        topics,
        ...(pattern === undefined ? {} : { pattern }),
        key,
        value,
        timestampExtractor,
        offsetReset,
        children,
      };
    }
    case 'processor': {
      // Global stores can be read everywhere.
      const stores = [...node.stores, ...builder.globalStores.keys()];
      return { kind: 'processor', name, create: node.create, stores, children };
    }
    case 'sink': {
      const { topic, key, value, partitioner } = node;
      return { kind: 'sink', name, topic, key, value, partitioner };
    }
  }
}

function childrenByParent(builder: TopologyBuilder): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const { name, parents } of builder.nodes.values()) {
    for (const parent of parents) {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [name]);
      else siblings.push(name);
    }
  }
  return children;
}

function checkStoresUsed(builder: TopologyBuilder): void {
  const used = new Set([...builder.nodes.values()].flatMap(({ stores }) => [...stores]));
  for (const store of builder.stores.keys()) {
    if (used.has(store)) continue;
    throw topologyError(
      "no processor uses this store: name it in a processor's `stores`, or do not add it",
      { store },
    );
  }
}

function checkRepartitionTopics(builder: TopologyBuilder): void {
  const nodes = [...builder.nodes.values()];
  for (const topic of builder.repartitionTopics.keys()) {
    const read = nodes.some((node) => node.kind === 'source' && node.topics.includes(topic));
    const written = nodes.some((node) => node.kind === 'sink' && node.topic === topic);
    if (!read || !written)
      throw topologyError('a repartition topic must be written and read', { topic });
  }
}

function checkCopartitionCounts(
  builder: TopologyBuilder,
  groups: readonly (readonly string[])[],
): void {
  for (const topics of groups) {
    const counts = topics.flatMap((topic) => {
      const partitions = builder.repartitionTopics.get(topic)?.partitions ?? null;
      return partitions === null ? [] : [{ topic, partitions }];
    });
    const [first] = counts;
    const other = counts.find(({ partitions }) => partitions !== first?.partitions);
    if (first === undefined || other === undefined) continue;
    throw topologyError(
      `a join needs equal partition counts, but '${first.topic}' was given ${first.partitions} and ` +
        `'${other.topic}' ${other.partitions}: give both the same`,
      { topic: other.topic },
    );
  }
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}

/** Freezes what this file made; store builders, serdes and functions stay as they are. */
function freezePlan(plan: TopologyPlan): TopologyPlan {
  for (const subtopology of plan.subtopologies) {
    for (const node of subtopology.nodes) freezeWithArrays(node);
    subtopology.copartitionGroups.forEach(Object.freeze);
    freezeWithArrays(subtopology);
  }
  for (const globalStore of plan.globalStores) {
    freezeWithArrays(globalStore.source);
    freezeWithArrays(globalStore.processor);
    Object.freeze(globalStore);
  }
  plan.repartitionTopics.forEach(Object.freeze);
  return freezeWithArrays(plan);
}

function freezeWithArrays<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (Array.isArray(inner)) Object.freeze(inner);
  return Object.freeze(value);
}
