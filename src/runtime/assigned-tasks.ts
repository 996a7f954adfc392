import type { MemberAssignment } from '../client/group-member.ts';
import { RECOVERY, StreamsError, type ErrorCode } from '../common/errors.ts';
import { TaskId } from '../common/task-id.ts';
import { partitionKey } from '../common/topic-partition.ts';
import { resolvePatterns } from '../topology/resolve-patterns.ts';
import type { Subtopology, TopologyPlan } from '../topology/topology-plan.ts';
import { decodeAssignmentInfo } from './assignment/subscription-info.ts';
import type { AssignedTask } from './task-registry.ts';
import type { TopicNames } from './task-topology.ts';

/**
 * What the group's decision means here: the tasks, each with its input partitions; null where it was made for a topology
 * other than `fingerprint`'s, which a static member finds that comes back as a new release.
 *
 * Errors: the one that the leader sent instead of tasks (a missing topic, say, or another instance's wish to stop all);
 * `STREAMS_CONFIG` for an assignment that is not from a leader of ours, or of tasks that this topology does not have.
 */
export function readAssignedTasks(
  { partitions, userData }: MemberAssignment,
  plan: TopologyPlan,
  names: TopicNames,
  fingerprint: string,
): readonly AssignedTask[] | null {
  // What a leader leaves out of its list comes as no bytes at all.
  if (userData.length === 0) return [];
  const { tasks, topology, error } = decodeAssignmentInfo(userData);
  if (error !== null) throw new StreamsError(errorCode(error.code), error.message);
  if (topology !== fingerprint) return null;
  // What the patterns match was decided by the leader: this instance may have seen other topics.
  const resolved = resolvePatterns(
    plan,
    partitions.map(({ topic }) => topic),
  );
  const given = new Set(partitions.map(({ topic, partition }) => partitionKey(topic, partition)));
  return tasks.map((text) => {
    const id = TaskId.parse(text);
    const subtopology = subtopologyOf(resolved, id);
    const inputs = subtopology.sourceTopics
      .map((planned) => ({ topic: names.resolve(planned), partition: id.partition }))
      .filter(({ topic, partition }) => given.has(partitionKey(topic, partition)));
    return { id, subtopology, partitions: inputs };
  });
}

function subtopologyOf({ subtopologies }: TopologyPlan, id: TaskId): Subtopology {
  const found = subtopologies.find((subtopology) => subtopology.id === id.subtopology);
  if (found !== undefined) return found;
  throw new StreamsError(
    'STREAMS_CONFIG',
    'the group assigned a task of a topology that this instance does not run: stop the instances of the other version first, or give this one another applicationId',
    { site: { taskId: id.toString(), option: 'applicationId' } },
  );
}

/** A leader of a newer version may send a code that we do not have. */
function errorCode(code: string): ErrorCode {
  return Object.hasOwn(RECOVERY, code) ? (code as ErrorCode) : 'STREAMS_STOPPED'; // a key of the table, just checked
}
