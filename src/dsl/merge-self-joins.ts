import type { MergedGraph, MergedNode } from './merge-sources.ts';

/**
 * Takes the store of the right side out of each join of a stream with itself: one store does for both sides.
 *
 * Changes the graph in place; returns the joins that are to be written in the form for one stream. A join is one of those
 * where both sides have come to the same parent, after sources and repartitions were merged.
 *
 * Source: `InternalStreamsBuilder.rewriteSingleStoreSelfJoin`; parity P36.
 */
export function mergeSelfJoins({ roots }: MergedGraph): ReadonlySet<MergedNode> {
  const joins = new Set<MergedNode>();
  const nodes = new Set<MergedNode>(roots);
  for (const merged of nodes) {
    for (const child of merged.children) nodes.add(child);
    const { node, parents } = merged;
    if (node.kind !== 'join' || node.selfJoin === null || parents.size !== 1) continue;
    const { without } = node.selfJoin;
    for (const sibling of siblings(merged)) if (sibling.node === without) drop(sibling);
    joins.add(merged);
  }
  return joins;
}

function siblings({ parents }: MergedNode): readonly MergedNode[] {
  return [...parents].flatMap((parent) => [...parent.children]);
}

function drop(node: MergedNode): void {
  for (const parent of node.parents) parent.children.delete(node);
  node.parents.clear();
}
