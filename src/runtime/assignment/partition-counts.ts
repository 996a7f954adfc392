import { StreamsError } from '../../common/errors.ts';
import type { Subtopology, TopologyPlan } from '../../topology/topology-plan.ts';

/**
 * The partition count of every topic that the sub-topologies read, repartition topics under their short names.
 *
 *     in     the plan; the counts of the user's topics
 *     out    the same, with the repartition topics added
 *
 * A repartition topic has the count it was given, or else the largest of the topics that feed it, and at least as many
 * as the topics it is co-partitioned with; 0 while all that feeds it is a pattern that matches nothing. Then every
 * co-partition group must agree.
 *
 * Errors: `STREAMS_TOPIC_MISSING` for a source topic without a count, `STREAMS_TOPOLOGY` for a group whose members differ.
 * Source: `RepartitionTopics` and `CopartitionedTopicsEnforcer` of Kafka Streams.
 */
export function resolvePartitionCounts(
  plan: TopologyPlan,
  userTopics: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const counts = new Map(userTopics);
  const repartitions = new Map(
    plan.repartitionTopics.map((topic) => [topic.name, topic.partitions]),
  );
  for (const { sourceTopics } of plan.subtopologies) {
    for (const topic of sourceTopics) {
      if (!repartitions.has(topic) && !counts.has(topic)) throw missingSource(topic);
    }
  }
  for (const [name, partitions] of repartitions) {
    if (partitions !== null) counts.set(name, partitions);
  }
  resolveFromUpstream(plan, [...repartitions.keys()], counts);
  for (const { copartitionGroups } of plan.subtopologies) {
    for (const group of copartitionGroups) alignGroup(group, repartitions, counts);
  }
  return counts;
}

/** How many tasks a sub-topology has: as many as the largest of its source topics has partitions. */
export function taskCount(
  { sourceTopics }: Subtopology,
  counts: ReadonlyMap<string, number>,
): number {
  return Math.max(0, ...sourceTopics.map((topic) => counts.get(topic) ?? 0));
}

/** Repeats until nothing changes, since a repartition topic may feed another. */
function resolveFromUpstream(
  { subtopologies }: TopologyPlan,
  names: readonly string[],
  counts: Map<string, number>,
): void {
  let unresolved = names.filter((name) => !counts.has(name));
  while (unresolved.length > 0) {
    const open = unresolved.filter((name) => {
      const feeders = subtopologies.filter(({ sinkTopics }) => sinkTopics.includes(name));
      const known = feeders.every(({ sourceTopics }) => sourceTopics.every((t) => counts.has(t)));
      if (known) counts.set(name, Math.max(...feeders.map((feeder) => taskCount(feeder, counts))));
      return !known;
    });
    if (open.length === unresolved.length) {
      throw new StreamsError(
        'STREAMS_TOPOLOGY',
        `the repartition topics ${open.join(', ')} feed each other: give one of them a number of partitions`,
      );
    }
    unresolved = open;
  }
}

function alignGroup(
  group: readonly string[],
  repartitions: ReadonlyMap<string, number | null>,
  counts: Map<string, number>,
): void {
  const fixed = group.filter((topic) => !isAdjustable(topic, repartitions));
  const deciding = fixed.length > 0 ? fixed : group;
  const wanted = Math.max(...deciding.map((topic) => counts.get(topic) ?? 0));
  for (const topic of group) {
    if (isAdjustable(topic, repartitions)) counts.set(topic, wanted);
  }
  if (group.every((topic) => counts.get(topic) === wanted)) return;
  const listed = group.map((topic) => `${topic} has ${counts.get(topic) ?? 0}`).join(', ');
  throw new StreamsError(
    'STREAMS_TOPOLOGY',
    `topics that are joined must have the same number of partitions, but ${listed}: repartition() one side, or join with a globalTable`,
  );
}

function isAdjustable(topic: string, repartitions: ReadonlyMap<string, number | null>): boolean {
  return repartitions.get(topic) === null;
}

function missingSource(topic: string): StreamsError {
  return new StreamsError(
    'STREAMS_TOPIC_MISSING',
    'this source topic does not exist: create it before the application starts, or correct its name',
    { site: { topic } },
  );
}
