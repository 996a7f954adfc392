import { StreamsError, isStreamsError } from '../common/errors.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../wire/consumer-protocol.ts';
import { byTopic } from './by-topic.ts';

/** What a member tells the leader. */
export interface GroupMemberSubscription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  readonly ownedPartitions: readonly TopicPartition[];
  readonly userData: Uint8Array;
  /** The generation in which it owned its partitions; -1 for none. */
  readonly generationId: number;
}

/** What the leader gives a member. */
export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[];
  readonly userData: Uint8Array;
}

/** Both are wrapped in the messages of Kafka's own consumers: the coordinator reads them, and hangs on anything else. */
export function subscriptionBytes(
  subscription: Omit<GroupMemberSubscription, 'memberId' | 'groupInstanceId'>,
): Uint8Array {
  const { topics, ownedPartitions, userData, generationId } = subscription;
  return encodeSubscription({
    topics,
    userData,
    generationId,
    ownedPartitions: nested(ownedPartitions),
  });
}

/** `STREAMS_CONFIG` for bytes of another kind of client. */
export function readSubscription(
  groupId: string,
  member: {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Uint8Array;
  },
): GroupMemberSubscription {
  const { topics, ownedPartitions, userData, generationId } = readAs(groupId, () =>
    decodeSubscription(member.metadata),
  );
  if (userData === null) throw foreignGroup(groupId);
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    topics,
    ownedPartitions: flat(ownedPartitions),
    // A copy: it outlives the answer that it is a part of.
    userData: userData.slice(),
    generationId,
  };
}

export function assignmentBytes({ partitions, userData }: MemberAssignment): Uint8Array {
  return encodeAssignment({ assignedPartitions: nested(partitions), userData });
}

/** `STREAMS_CONFIG` for an assignment without our user data: whoever made it knows nothing of tasks. */
export function readAssignment(groupId: string, bytes: Uint8Array): MemberAssignment {
  // A leader that gives a member nothing leaves it out, and the coordinator sends no bytes.
  if (bytes.length === 0) return { partitions: [], userData: new Uint8Array(0) };
  const { assignedPartitions, userData } = readAs(groupId, () => decodeAssignment(bytes));
  if (userData === null || userData.length === 0) throw foreignGroup(groupId);
  return { partitions: flat(assignedPartitions), userData: userData.slice() };
}

export function foreignGroup(groupId: string, cause?: unknown): StreamsError {
  return new StreamsError(
    'STREAMS_CONFIG',
    `group ${groupId} is used by another kind of client: give this application an applicationId of its own`,
    cause === undefined ? {} : { cause },
  );
}

function readAs<T>(groupId: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE')) throw foreignGroup(groupId, error);
    throw error;
  }
}

interface NestedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

function nested(partitions: readonly TopicPartition[]): NestedPartitions[] {
  return [...byTopic(partitions)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
}

function flat(topics: readonly NestedPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}
