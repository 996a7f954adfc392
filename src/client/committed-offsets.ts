import type { StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import { offsetCommit } from '../wire/messages/offset-commit.ts';
import { offsetFetch } from '../wire/messages/offset-fetch.ts';
import { brokerError, coordinatorMoved } from './broker-errors.ts';
import { byTopic } from './by-topic.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { KafkaClient } from './kafka-client.ts';
import { assertMember, type Membership } from './membership.ts';

export interface OffsetAndMetadata {
  readonly offset: number;
  readonly metadata: string;
  readonly leaderEpoch?: number;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

export interface FetchCommittedOptions {
  /** Wait for offsets of transactions that are neither committed nor aborted. Needed under exactly once. */
  readonly requireStable: boolean;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

const FIRST_STABLE = 7;
const FIRST_WITH_GROUPS = 8;
/** EndTxn is answered before its markers are written, so the first answers are often "not stable yet", for some ms. */
const UNSTABLE_BACKOFF = { firstMs: 2, maxMs: 100 };

/**
 * What a group has committed, by partition; null where it has committed nothing.
 *
 * Errors: `STREAMS_CLIENT` when not all are stable by the deadline, `STREAMS_AUTHORIZATION`, and
 * `STREAMS_BROKER_UNSUPPORTED` for a broker that cannot wait for stable offsets (before 2.5).
 */
export async function fetchCommitted(
  client: KafkaClient,
  groupId: string,
  partitions: readonly TopicPartition[],
  { requireStable, deadlineMs, signal }: FetchCommittedOptions,
): Promise<Map<string, OffsetAndMetadata | null>> {
  const committed = new Map<string, OffsetAndMetadata | null>();
  await client.retrying(
    `fetching the offsets of group ${groupId}`,
    async () => {
      const open = partitions.filter(
        ({ topic, partition }) => !committed.has(partitionKey(topic, partition)),
      );
      if (open.length > 0) await fetchOnce(client, groupId, open, requireStable, committed);
    },
    { deadlineMs, backoff: UNSTABLE_BACKOFF, signal },
  );
  return committed;
}

async function fetchOnce(
  client: KafkaClient,
  groupId: string,
  partitions: readonly TopicPartition[],
  requireStable: boolean,
  committed: Map<string, OffsetAndMetadata | null>,
): Promise<void> {
  const topics = [...byTopic(partitions)].map(([name, ofTopic]) => ({
    name,
    partitionIndexes: ofTopic.map(({ partition }) => partition),
  }));
  const { response, version } = await client.send(
    { coordinator: 'group', key: groupId },
    'admin',
    offsetFetch,
    (v) => ({
      ...(v >= FIRST_WITH_GROUPS ? { groups: [{ groupId, topics }] } : { groupId, topics }),
      ...(v >= FIRST_STABLE ? { requireStable } : {}),
    }),
    requireStable ? { minVersion: FIRST_STABLE } : {},
  );
  const group = version >= FIRST_WITH_GROUPS ? response.groups[0] : response;
  const groupError = group?.errorCode ?? ERROR.COORDINATOR_NOT_AVAILABLE;
  if (group === undefined || groupError !== ERROR.NONE) throw refused(client, groupId, groupError);

  let unstable: StreamsError | null = null;
  for (const { name: topic, partitions: answers } of group.topics) {
    for (const {
      partitionIndex,
      errorCode,
      committedOffset,
      metadata,
      committedLeaderEpoch,
    } of answers) {
      if (errorCode !== ERROR.NONE) {
        const site = { topic, partition: partitionIndex };
        const error = brokerError(errorCode, { api: offsetFetch.name, site });
        if (error.recovery !== 'retry') throw error;
        unstable = error;
        continue;
      }
      committed.set(
        partitionKey(topic, partitionIndex),
        committedOffset < 0
          ? null
          : {
              offset: committedOffset,
              metadata: metadata ?? '',
              leaderEpoch: committedLeaderEpoch,
            },
      );
    }
  }
  if (unstable !== null) throw unstable;
}

/**
 * Commits offsets outside a transaction (at least once), under the generation in which their records were read.
 *
 * Errors: `STREAMS_TASK_MIGRATED` once the group has gone on without this member; `STREAMS_CONFIG` for metadata that is
 * too long; `STREAMS_AUTHORIZATION`; `STREAMS_CLIENT` when the coordinator cannot be reached for `apiTimeoutMs`.
 */
export async function commitOffsets(
  client: KafkaClient,
  membership: Membership,
  offsets: readonly PartitionOffset[],
): Promise<void> {
  assertMember(membership);
  const { groupId, memberId, generationId, groupInstanceId } = membership;
  const topics = requestTopics(offsets);
  await client.retrying(`committing offsets of group ${groupId}`, async () => {
    const { response } = await client.send(
      { coordinator: 'group', key: groupId },
      'txn',
      offsetCommit,
      {
        groupId,
        memberId,
        generationIdOrMemberEpoch: generationId,
        // Null is the default, and all that versions without the field can say.
        groupInstanceId,
        topics,
      },
      groupInstanceId === null ? {} : { minVersion: FIRST_STABLE },
    );
    for (const { name: topic, partitions } of response.topics) {
      for (const { partitionIndex: partition, errorCode } of partitions) {
        if (errorCode === ERROR.NONE) continue;
        throw refused(client, groupId, errorCode, { topic, partition });
      }
    }
  });
}

/** Offsets as OffsetCommit and TxnOffsetCommit nest them. */
export function requestTopics(offsets: readonly PartitionOffset[]): {
  readonly name: string;
  readonly partitions: {
    readonly partitionIndex: number;
    readonly committedOffset: number;
    readonly committedMetadata: string;
  }[];
}[] {
  return [...byTopic(offsets)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    })),
  }));
}

function refused(
  client: KafkaClient,
  groupId: string,
  errorCode: number,
  site: Partial<TopicPartition> = {},
): StreamsError {
  if (coordinatorMoved(errorCode)) client.forgetCoordinator('group', groupId);
  return brokerError(errorCode, { api: 'OffsetCommit', site, detail: `group ${groupId}` });
}
