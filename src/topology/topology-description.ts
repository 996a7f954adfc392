import { nodeGroups } from './node-groups.ts';
import type { BuilderNode, TopologyBuilder } from './topology-builder.ts';

/** One node of a topology, with the names of its neighbours. */
export interface NodeDescription {
  readonly name: string;
  readonly kind: 'source' | 'processor' | 'sink';
  /** Of a source or a sink: its topics; the pattern as `/…/`, the function of a dynamic sink by its name, `fn()`. */
  readonly topics: readonly string[];
  /** Of a processor. */
  readonly stores: readonly string[];
  readonly predecessors: readonly string[];
  readonly successors: readonly string[];
}

/** Nodes that only topics connect with others. */
export interface SubtopologyDescription {
  readonly id: number;
  /** Whether it keeps a global store: then no task runs it. */
  readonly isGlobal: boolean;
  readonly nodes: readonly NodeDescription[];
}

/** What `describe()` says, as data: for tools, and for comparing topologies. */
export interface TopologyDescription {
  readonly subtopologies: readonly SubtopologyDescription[];
}

export function describeAsData(builder: TopologyBuilder): TopologyDescription {
  const globalSources = new Set(
    [...builder.globalStores.values()].map(({ source }) => source.name),
  );
  const subtopologies = nodeGroups(builder).map((names, id) => ({
    id,
    isGlobal: names.some((name) => globalSources.has(name)),
    nodes: names.map((name) => describeNode(builder, name)),
  }));
  return { subtopologies };
}

function describeNode({ nodes }: TopologyBuilder, name: string): NodeDescription {
  const node = nodes.get(name) as BuilderNode; // `name` is one of its keys
  const children = [...nodes.values()].filter(({ parents }) => parents.includes(name));
  return {
    name,
    kind: node.kind,
    topics: topicsOf(node),
    stores: [...node.stores],
    predecessors: node.parents,
    successors: children.map((child) => child.name),
  };
}

function topicsOf(node: BuilderNode): readonly string[] {
  switch (node.kind) {
    case 'source':
      return node.pattern === undefined ? node.topics : [`/${node.pattern.text}/`];
    case 'sink':
      return [typeof node.topic === 'string' ? node.topic : `${node.topic.name}()`];
    case 'processor':
      return [];
  }
}
