import type { TopicPartition } from '../common/topic-partition.ts';

/** Items by topic, in the order in which the topics first come up: most requests nest partitions in topics. */
export function byTopic<T extends TopicPartition>(items: Iterable<T>): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group === undefined) groups.set(item.topic, [item]);
    else group.push(item);
  }
  return groups;
}
