import { topologyError } from '../topology/topology-error.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode, StreamSourceNode } from './logical-node.ts';

/** A node on its way to the topology, with parents and children both. */
export interface MergedNode {
  readonly node: LogicalNode;
  readonly priority: number;
  readonly parents: Set<MergedNode>;
  readonly children: Set<MergedNode>;
}

export interface MergedGraph {
  readonly roots: ReadonlySet<MergedNode>;
  /** Of each source that went into another one, that one's name. */
  readonly renamedSources: ReadonlyMap<string, string>;
}

interface SourceOwner {
  readonly node: StreamSourceNode;
  readonly merged: MergedNode;
}

/**
 * A working copy of the graph in which `stream()` calls on the same topics or pattern share one source, since a topic is read once.
 *
 * Errors: `STREAMS_TOPOLOGY` where two calls name a common topic and another one that is not common, or differ in
 * where to start reading. Source: `InternalStreamsBuilder.mergeDuplicateSourceNodes`.
 */
export function mergeSources(graph: LogicalGraph): MergedGraph {
  const roots = copy(graph);
  const renamedSources = new Map<string, string>();
  const owners = new Map<string, SourceOwner>();
  const patternOwners: SourceOwner[] = [];
  for (const merged of roots) {
    const { node } = merged;
    if (node.kind !== 'stream-source') continue;
    const { topics, pattern } = node.source;
    const owner =
      pattern === undefined
        ? topics.map((topic) => owners.get(topic)).find((o) => o !== undefined)
        : patternOwners.find(({ node: { source } }) => source.pattern?.equals(pattern));
    if (owner === undefined) {
      for (const topic of topics) owners.set(topic, { node, merged });
      if (pattern !== undefined) patternOwners.push({ node, merged });
      continue;
    }
    checkMergeable(owner.node, node);
    for (const child of merged.children) {
      child.parents.delete(merged);
      child.parents.add(owner.merged);
      owner.merged.children.add(child);
    }
    roots.delete(merged);
    renamedSources.set(node.name, owner.node.name);
  }
  return { roots, renamedSources };
}

function copy(graph: LogicalGraph): Set<MergedNode> {
  const copies = new Map<LogicalNode, MergedNode>();
  for (const { node, priority } of graph.entries.values()) {
    copies.set(node, { node, priority, parents: new Set(), children: new Set() });
  }
  const roots = new Set<MergedNode>();
  for (const { node, parents } of graph.entries.values()) {
    const child = copies.get(node) as MergedNode; // made above, as are all parents
    for (const parent of parents) {
      child.parents.add(copies.get(parent) as MergedNode);
      copies.get(parent)?.children.add(child);
    }
    if (parents.size === 0) roots.add(child);
  }
  return roots;
}

function checkMergeable(one: StreamSourceNode, other: StreamSourceNode): void {
  const topics = new Set(one.source.topics);
  const same =
    topics.size === new Set(other.source.topics).size &&
    other.source.topics.every((topic) => topics.has(topic));
  if (!same) {
    throw topologyError(
      `'${one.name}' reads some of these topics together with others: read the same set in both calls of stream()`,
      { node: other.name, topic: other.source.topics.join(', ') },
    );
  }
  if (one.source.offsetReset !== other.source.offsetReset) {
    throw topologyError(
      `'${one.name}' reads the same topics with another offsetReset: give both the same`,
      { node: other.name, topic: other.source.topics.join(', ') },
    );
  }
}
