import type { TopologyBuilder } from './topology-builder.ts';

/**
 * The nodes of a topology in sets that are connected by edges or by stores, each in the order they were added, and the
 * sets in the order of their first nodes. The place of a set is the number of its sub-topology; a global store and its
 * two nodes are a set too, so they take a number, although no task runs them.
 *
 * Source: `InternalTopologyBuilder.makeNodeGroups`. The numbers are in task ids: changing them moves state.
 */
export function nodeGroups(builder: TopologyBuilder): (readonly string[])[] {
  const roots = new Map<string, string>();
  for (const name of builder.nodes.keys()) roots.set(name, name);

  const firstUser = new Map<string, string>();
  for (const { name, parents, stores } of builder.nodes.values()) {
    for (const parent of parents) unite(roots, parent, name);
    for (const store of stores) {
      const user = firstUser.get(store);
      if (user === undefined) firstUser.set(store, name);
      else unite(roots, user, name);
    }
  }

  const groups = new Map<string, string[]>();
  for (const name of builder.nodes.keys()) {
    const root = rootOf(roots, name);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [name]);
    else group.push(name);
  }
  return [...groups.values()];
}

function rootOf(roots: Map<string, string>, name: string): string {
  let root = name;
  for (let next = roots.get(root); next !== undefined && next !== root; next = roots.get(root)) {
    root = next;
  }
  roots.set(name, root);
  return root;
}

function unite(roots: Map<string, string>, one: string, other: string): void {
  roots.set(rootOf(roots, other), rootOf(roots, one));
}
