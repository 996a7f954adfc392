import { copartitionGroups, groupsReading } from './copartition-groups.ts';
import type { SourceNode, Subtopology, TopologyNode, TopologyPlan } from './topology-plan.ts';
import { topologyError } from './topology-error.ts';

/** Whether a plan has sources whose topics only the cluster knows. */
export function hasPatterns(plan: TopologyPlan): boolean {
  return sourcesOf(plan).some(({ pattern }) => pattern !== undefined);
}

/** The names, of those given, that a source reads by its pattern, sorted. */
export function matchingTopics(plan: TopologyPlan, topics: readonly string[]): readonly string[] {
  const sources = sourcesOf(plan);
  return [...new Set(topics)]
    .filter((topic) => sources.some(({ pattern }) => pattern?.matches(topic) === true))
    .sort();
}

/**
 * A plan in which every source names its topics: of these, those that its pattern matches. Other members may see other
 * topics at the moment; what counts is the leader's view, and for a task the partitions that it was given.
 *
 * Errors: `STREAMS_TOPOLOGY` for a topic that two sources read. Source: `InternalTopologyBuilder.addSubscribedTopics`.
 */
export function resolvePatterns(plan: TopologyPlan, topics: readonly string[]): TopologyPlan {
  if (!hasPatterns(plan)) return plan;
  const matching = matchingTopics(plan, topics);
  checkReadOnce(plan, matching);
  const resolved = new Map<string, SourceNode>();
  for (const source of sourcesOf(plan)) {
    const { pattern } = source;
    resolved.set(
      source.name,
      pattern === undefined
        ? source
        : { ...source, topics: matching.filter((topic) => pattern.matches(topic)) },
    );
  }
  const groups = copartitionGroups(
    plan.copartitionedSources ?? [],
    (name) => resolved.get(name)?.topics ?? [],
  );
  return {
    ...plan,
    subtopologies: plan.subtopologies.map((subtopology) => resolve(subtopology, resolved, groups)),
  };
}

function resolve(
  subtopology: Subtopology,
  resolved: ReadonlyMap<string, SourceNode>,
  groups: readonly (readonly string[])[],
): Subtopology {
  const nodes = subtopology.nodes.map((node): TopologyNode =>
    node.kind === 'source' ? (resolved.get(node.name) ?? node) : node,
  );
  const sourceTopics = nodes.flatMap((node) => (node.kind === 'source' ? node.topics : []));
  return {
    ...subtopology,
    nodes,
    sourceTopics,
    copartitionGroups: groupsReading(groups, sourceTopics),
  };
}

function checkReadOnce(plan: TopologyPlan, topics: readonly string[]): void {
  for (const topic of topics) {
    const readers = sourcesOf(plan).filter(
      (source) => source.topics.includes(topic) || source.pattern?.matches(topic) === true,
    );
    if (readers.length < 2) continue;
    const names = readers.map(({ name }) => `'${name}'`).join(' and ');
    throw topologyError(
      `the patterns of ${names} match this topic: a topology reads a topic once, so make them exclude each other`,
      { topic },
    );
  }
}

function sourcesOf({ subtopologies }: TopologyPlan): SourceNode[] {
  return subtopologies.flatMap(({ nodes }) => nodes.filter((node) => node.kind === 'source'));
}
