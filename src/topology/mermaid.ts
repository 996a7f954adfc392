import type { NodeDescription, TopologyDescription } from './topology-description.ts';

/**
 * A topology as a Mermaid flowchart, which GitHub and many wikis draw: a box for each sub-topology, topics outside of
 * them, so that repartition topics connect them, and stores as cylinders.
 */
export function mermaid({ subtopologies }: TopologyDescription): string {
  const ids = new Ids();
  const boxes = subtopologies.flatMap(({ id, isGlobal, nodes }) => [
    `  subgraph "Sub-topology ${id}${isGlobal ? ' (global)' : ''}"`,
    ...nodes.map(({ name }) => `    ${ids.of('node', name)}["${escape(name)}"]`),
    ...unique(nodes.flatMap(({ stores }) => stores)).map(
      (store) => `    ${ids.of('store', store)}[("${escape(store)}")]`,
    ),
    '  end',
  ]);
  const nodes = subtopologies.flatMap((subtopology) => subtopology.nodes);
  const topics = unique(nodes.flatMap((node) => node.topics)).map(
    (topic) => `  ${ids.of('topic', topic)}(["${escape(topic)}"])`,
  );
  return [
    'flowchart TD',
    ...boxes,
    ...topics,
    ...nodes.flatMap((node) => edges(node, ids)),
    '',
  ].join('\n');
}

function edges(node: NodeDescription, ids: Ids): string[] {
  const own = ids.of('node', node.name);
  return [
    ...node.topics.map((topic) =>
      node.kind === 'source'
        ? `  ${ids.of('topic', topic)} --> ${own}`
        : `  ${own} --> ${ids.of('topic', topic)}`,
    ),
    ...node.successors.map((child) => `  ${own} --> ${ids.of('node', child)}`),
    ...node.stores.map((store) => `  ${own} -.- ${ids.of('store', store)}`),
  ];
}

/** Mermaid's ids may not have every character that names have. */
class Ids {
  readonly #ids = new Map<string, string>();

  of(kind: 'node' | 'store' | 'topic', name: string): string {
    const key = `${kind} ${name}`;
    const id = this.#ids.get(key) ?? `${kind}${this.#ids.size}`;
    this.#ids.set(key, id);
    return id;
  }
}

function escape(name: string): string {
  return name.replaceAll('"', '#quot;');
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
