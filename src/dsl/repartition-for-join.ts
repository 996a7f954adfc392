import type { Serde } from '../serde/serde.ts';
import { repartitionNode } from './repartition.ts';
import type { StreamState } from './stream-state.ts';

interface JoinSerdes {
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
}

/**
 * A stream whose key has changed, repartitioned to be joined. Joins of one stream share a repartition, unless they give
 * theirs a name; the numbers of its nodes are used up even where an earlier one serves.
 *
 * Source: `KStreamImpl.repartitionForJoin`.
 */
export function repartitionForJoin(
  { graph, node }: StreamState,
  serdes: JoinSerdes,
  name: string | null,
): StreamState {
  const prefix = name ?? node.name;
  const fresh = repartitionNode(graph, { prefix, ...serdes });
  const known = prefix === node.name ? graph.joinRepartitions.get(node) : undefined;
  const through = known ?? graph.add(fresh, node);
  graph.joinRepartitions.set(node, through);
  return { graph, node: through, ...serdes, sources: [through.name], repartitionRequired: false };
}
