import { invariant } from '../common/errors.ts';
import type { RepartitionNode } from './logical-node.ts';
import type { MergedGraph, MergedNode } from './merge-sources.ts';
import { repartitionNames } from './repartition.ts';

type Repartition = MergedNode & { readonly node: RepartitionNode };

/**
 * Moves the repartitions below one change of the key up to it, where one of them does for all: its topic is that of the
 * first. Not above an operator that changes values, since the serdes below it are for other ones (trap 37).
 *
 * Changes the graph in place; returns of each repartition that is gone which source took its place. Kafka Streams lets
 * `process` and `processValues` pass, which then get what their serdes cannot write (KAFKA-19668); here they count as
 * changing key and value. Source: `InternalStreamsBuilder.mergeRepartitionTopics`.
 */
export function mergeRepartitions({ roots }: MergedGraph): ReadonlyMap<string, string> {
  const nodes = inOrder(roots);
  const below = new Map<MergedNode, Set<Repartition>>();
  for (const node of nodes) {
    if (changeOf(node) === 'key') below.set(node, new Set());
    if (!isMergeable(node)) continue;
    const changer = keyChangerOf(node);
    if (changer !== null) below.get(changer)?.add(node);
  }
  moveBelowMerges(nodes, below);

  const replaced = new Map<string, string>();
  for (const [changer, repartitions] of below) {
    if (repartitions.size === 0) continue;
    const shared = sharedRepartition(changer, [...repartitions]);
    for (const repartition of repartitions) {
      const branch = branchBetween(changer, repartition);
      // Null where another repartition of the same branch has moved it already.
      if (branch !== null) {
        disconnect(changer, branch);
        connect(shared, branch);
      }
      remove(repartition);
      replaced.set(repartition.node.name, shared.node.name);
    }
    connect(changer, shared);
  }
  return replaced;
}

/** Where keys changed in several branches meet and are repartitioned below, the place for the topic is their merge. */
function moveBelowMerges(
  nodes: readonly MergedNode[],
  below: Map<MergedNode, Set<Repartition>>,
): void {
  const moved = new Map<MergedNode, MergedNode[]>();
  for (const merge of nodes.filter((node) => changeOf(node) === 'merge')) {
    const changers = [...below].flatMap(([changer, repartitions]) => {
      const areAllBelow = [...repartitions].every((node) => branchBetween(merge, node) !== null);
      return areAllBelow && branchBetween(changer, merge) !== null ? [changer] : [];
    });
    moved.set(merge, changers);
  }
  for (const [merge, changers] of moved) {
    const repartitions = changers.flatMap((changer) => [...(below.get(changer) ?? [])]);
    below.set(merge, new Set(repartitions));
  }
  for (const changer of [...moved.values()].flat()) below.delete(changer);
}

function sharedRepartition(changer: MergedNode, repartitions: readonly Repartition[]): Repartition {
  const [first] = repartitions;
  invariant(first !== undefined, 'there is nothing to merge');
  const serdes = repartitions.map(({ node }) => node);
  const node: RepartitionNode = {
    ...first.node,
    ...repartitionNames(first.node.topic),
    partitions: null,
    partitioner: null,
    key: serdes.find(({ key }) => key !== null)?.key ?? null,
    value: serdes.find(({ value }) => value !== null)?.value ?? null,
  };
  return { node, priority: changer.priority, parents: new Set(), children: new Set() };
}

/** The nearest node above that changes key or value, where that is the key. */
function keyChangerOf(node: MergedNode): MergedNode | null {
  const nearest = findAbove(node, (above) => {
    const change = changeOf(above);
    return change === 'key' || change === 'value';
  });
  const keyChanger = findAbove(node, (above) => changeOf(above) === 'key');
  return nearest === keyChanger ? keyChanger : null;
}

/** The child of `top` that leads down to `node`, or is it; null where none does. */
function branchBetween(top: MergedNode, node: MergedNode): MergedNode | null {
  return node.parents.has(top) ? node : findAbove(node, (above) => above.parents.has(top));
}

function findAbove(node: MergedNode, matches: (above: MergedNode) => boolean): MergedNode | null {
  let found: MergedNode | null = null;
  for (const parent of node.parents) {
    if (matches(parent)) return parent;
    found = findAbove(parent, matches) ?? found;
  }
  return found;
}

function changeOf({ node }: MergedNode): 'key' | 'value' | 'merge' | 'nothing' {
  switch (node.kind) {
    case 'operator':
      return node.changes ?? 'value'; // an operator that says nothing is not passed
    case 'table-source':
    case 'global-table':
      return 'value';
    default:
      return 'nothing';
  }
}

function isMergeable(merged: MergedNode): merged is Repartition {
  return merged.node.kind === 'repartition' && merged.node.mergeable === true;
}

function connect(parent: MergedNode, child: MergedNode): void {
  parent.children.add(child);
  child.parents.add(parent);
}

function disconnect(parent: MergedNode, child: MergedNode): void {
  parent.children.delete(child);
  child.parents.delete(parent);
}

/** Takes a node out, with its children under its parents. */
function remove(node: MergedNode): void {
  const parents = [...node.parents];
  for (const child of [...node.children]) {
    disconnect(node, child);
    for (const parent of parents) connect(parent, child);
  }
  for (const parent of parents) disconnect(parent, node);
}

/** Every node once, in the order in which they were added. */
function inOrder(roots: ReadonlySet<MergedNode>): MergedNode[] {
  const seen = new Set<MergedNode>();
  const visit = (node: MergedNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const child of node.children) visit(child);
  };
  for (const root of roots) visit(root);
  return [...seen].sort((a, b) => a.priority - b.priority);
}
