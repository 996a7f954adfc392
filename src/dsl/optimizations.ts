import { topologyError } from '../topology/topology-error.ts';

/**
 *     reuseKTableSourceTopics   the source topic of a table is its changelog: no topic of its own, restored from there
 *     mergeRepartitionTopics    groupings and joins below one change of the key share one repartition topic
 *     singleStoreSelfJoin       a windowed join of a stream with itself keeps the stream once
 *
 * Source: `topology.optimization` of Kafka Streams, parity P34-P36.
 */
export type TopologyOptimization = (typeof OPTIMIZATIONS)[number];

const OPTIMIZATIONS = [
  'reuseKTableSourceTopics',
  'mergeRepartitionTopics',
  'singleStoreSelfJoin',
] as const;

/** Of `StreamsBuilder.build`. */
export interface BuildOptions {
  /**
   * `'none'` if left out. What an application runs with must not change while its topics and state are kept: other
   * topics hold its data then.
   */
  readonly topologyOptimization?: 'none' | 'all' | readonly TopologyOptimization[];
}

/** Errors: `STREAMS_TOPOLOGY` for what is none of them. */
export function optimizationsOf({
  topologyOptimization: given = 'none',
}: BuildOptions): ReadonlySet<TopologyOptimization> {
  if (given === 'none') return new Set();
  if (given === 'all') return new Set(OPTIMIZATIONS);
  const known: readonly string[] = OPTIMIZATIONS;
  const list: readonly string[] = typeof given === 'string' ? [given] : given;
  const unknown = list.find((name) => !known.includes(name));
  if (unknown === undefined) return new Set(given);
  throw topologyError(
    `there is no optimization '${unknown}': topologyOptimization is 'none', 'all' or a list of ` +
      OPTIMIZATIONS.join(', '),
  );
}
