import { hashOrder, InsertionTree } from './java-order.ts';
import { nodeGroups } from './node-groups.ts';
import type { BuilderNode, SourceSpec, TopologyBuilder } from './topology-builder.ts';

/**
 * The text of `Topology.describe()` in Kafka Streams, to the letter, so that its visualisers read ours.
 *
 * The order of nodes and names in it comes from Java's collections; `java-order.ts` repeats them.
 * Source: `InternalTopologyBuilder.describe`, `TopologyDescription`.
 */
export function describeTopology(builder: TopologyBuilder): string {
  const globalStoreOf = new Map([...builder.globalStores.values()].map((g) => [g.source.name, g]));
  const blocks = nodeGroups(builder).map((names, id) => {
    const globalStore = names.map((name) => globalStoreOf.get(name)).find((g) => g !== undefined);
    if (globalStore === undefined) return subtopologyText(builder, id, names);
    const { source, processor, store } = globalStore;
    return (
      `Sub-topology: ${id} for global store (will not generate tasks)\n` +
      `    Source: ${source.name} (topics: [${source.topics.join(', ')}])\n      --> ${processor.name}\n` +
      `    Processor: ${processor.name} (stores: [${store.name}])\n      --> none\n      <-- ${source.name}\n`
    );
  });
  return `Topologies:\n ${blocks.map((block) => `  ${block}`).join('')}`;
}

/** A node as it is sorted: `size` counts the paths that begin at it. */
interface Described {
  readonly node: BuilderNode;
  readonly parents: InsertionTree<Described>;
  readonly children: InsertionTree<Described>;
  size: number;
}

/** Larger first, then by name. */
function compareDescribed(a: Described, b: Described): number {
  if (a === b) return 0;
  return b.size - a.size || (a.node.name < b.node.name ? -1 : 1);
}

function subtopologyText(builder: TopologyBuilder, id: number, names: readonly string[]): string {
  const described = new Map<string, Described>();
  for (const name of hashOrder(hashOrder(names, false), false)) {
    const node = builder.nodes.get(name) as BuilderNode; // `names` are its keys
    described.set(name, {
      node,
      parents: new InsertionTree(compareDescribed),
      children: new InsertionTree(compareDescribed),
      size: 1,
    });
  }
  for (const child of described.values()) {
    for (const parentName of child.node.parents) {
      const parent = described.get(parentName) as Described; // parents are in the same group
      child.parents.add(parent);
      parent.children.add(child);
      grow(parent, child.size);
    }
  }
  const sorted = [...described.values()].sort(compareDescribed);
  return `Sub-topology: ${id}\n${sorted.map((each) => `    ${nodeText(each)}\n`).join('')}\n`;
}

function grow(described: Described, by: number): void {
  described.size += by;
  for (const parent of described.parents.items()) grow(parent, by);
}

function nodeText({ node, parents, children }: Described): string {
  const to = `\n      --> ${namesOf(children)}`;
  const from = `\n      <-- ${namesOf(parents)}`;
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: ${topicsText(node)})${to}`;
    case 'processor': {
      const stores = hashOrder(hashOrder([...node.stores], false), true);
      return `Processor: ${node.name} (stores: [${stores.join(', ')}])${to}${from}`;
    }
    case 'sink': {
      const topic =
        typeof node.topic === 'string'
          ? `topic: ${node.topic}`
          : `extractor class: ${node.topic.name}`;
      return `Sink: ${node.name} (${topic})${from}`;
    }
  }
}

function topicsText({ topics, pattern }: SourceSpec): string {
  return pattern?.text ?? `[${hashOrder(topics, true).join(', ')}]`;
}

function namesOf(tree: InsertionTree<Described>): string {
  const names = tree.items().map(({ node }) => node.name);
  return names.length === 0 ? 'none' : names.join(', ');
}
