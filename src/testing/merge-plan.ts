import type { Subtopology, TopologyPlan } from '../topology/topology-plan.ts';

/**
 * All sub-topologies as one, so that one task runs them. With one partition a topic nothing else is observable but the
 * order of independent outputs and whose stream time a punctuator sees, and there this is Kafka Streams' own test driver,
 * whose expectations people bring along. Null where there is nothing but global stores.
 */
export function mergeSubtopologies({ subtopologies }: TopologyPlan): Subtopology | null {
  if (subtopologies.length === 0) return null;
  return {
    id: 0,
    nodes: subtopologies.flatMap(({ nodes }) => nodes),
    stores: subtopologies.flatMap(({ stores }) => stores),
    sourceTopics: subtopologies.flatMap(({ sourceTopics }) => sourceTopics),
    sinkTopics: subtopologies.flatMap(({ sinkTopics }) => sinkTopics),
    copartitionGroups: subtopologies.flatMap(({ copartitionGroups }) => copartitionGroups),
  };
}
