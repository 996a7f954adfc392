import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { Serde } from '../serde/serde.ts';
import { checkName } from '../topology/topology-error.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { RepartitionNode } from './logical-node.ts';

const SUFFIX = '-repartition';

export interface RepartitionSpec {
  /** What the topic is called, without the suffix: a name the user gave, or that of a store or node. */
  readonly prefix: string;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly partitions?: number | null;
  readonly partitioner?: StreamPartitioner | null;
  /** False where the user asked for it: true if left out. */
  readonly mergeable?: boolean;
}

/**
 * A repartition with its names. Three numbers are used up for the three nodes in any case; they name the nodes only
 * where the topic has no name of its own.
 *
 * Source: `KStreamImpl.createRepartitionedSource`.
 */
export function repartitionNode(
  graph: LogicalGraph,
  { prefix, key, value, partitions = null, partitioner = null, mergeable = true }: RepartitionSpec,
): RepartitionNode {
  const topic = prefix.endsWith(SUFFIX) ? prefix : `${prefix}${SUFFIX}`;
  checkName(topic, 'the name of a repartition topic');
  const sinkName = graph.nodeName('KSTREAM-SINK-');
  const filterName = graph.nodeName('KSTREAM-FILTER-');
  const sourceName = graph.nodeName('KSTREAM-SOURCE-');
  const generated = /^KSTREAM.*-[0-9]{10}$/.test(prefix);
  return {
    kind: 'repartition',
    topic,
    ...(generated ? { name: sourceName, sinkName, filterName } : repartitionNames(topic)),
    partitions,
    partitioner,
    key,
    value,
    mergeable,
  };
}

/** The nodes of a repartition whose topic has a name of its own. */
export function repartitionNames(
  topic: string,
): Pick<RepartitionNode, 'name' | 'sinkName'> & { readonly filterName: string } {
  return { name: `${topic}-source`, sinkName: `${topic}-sink`, filterName: `${topic}-filter` };
}
