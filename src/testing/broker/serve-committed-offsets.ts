import type { Complete } from '../../wire/api.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { offsetCommit } from '../../wire/messages/offset-commit.ts';
import { offsetDelete } from '../../wire/messages/offset-delete.ts';
import {
  offsetFetch,
  type OffsetFetchRequestTopics,
  type OffsetFetchResponsePartitions,
  type OffsetFetchResponseTopics,
} from '../../wire/messages/offset-fetch.ts';
import {
  txnOffsetCommit,
  type TxnOffsetCommitRequest,
} from '../../wire/messages/txn-offset-commit.ts';
import type { ClusterState } from './cluster-state.ts';
import type { ClassicGroup } from './classic-group.ts';
import { serve, type ServedApi } from './handler.ts';
import { offsetsPartition } from './serve-transactions.ts';

const FIRST_WITH_GROUPS = 8;
/** Protocol 2: the commit adds its partition to the transaction. */
const FIRST_THAT_ADDS = 5;
const FIRST_WITH_ABORTABLE = 4;
const NO_OFFSET = -1;

interface OffsetsOfTopic {
  readonly name: string;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    readonly committedOffset: number;
    readonly committedLeaderEpoch: number;
    readonly committedMetadata: string | null;
  }[];
}

/** OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete. */
export function serveCommittedOffsets(cluster: ClusterState): ServedApi[] {
  const { groups, settings } = cluster;
  const isElsewhere = (groupId: string, node: number): boolean =>
    cluster.coordinatorOf('group', groupId).id !== node;
  return [
    serve(offsetCommit, (request, { node }) => {
      const { groupId, generationIdOrMemberEpoch: generation, topics } = request;
      let errorCode: number = isElsewhere(groupId, node) ? ERROR.NOT_COORDINATOR : ERROR.NONE;
      if (errorCode === ERROR.NONE) errorCode = commitError(cluster, request, generation, false);
      return { throttleTimeMs: 0, topics: commit(cluster, groupId, topics, errorCode, null) };
    }),
    serve(
      txnOffsetCommit,
      (request, { node, version }) => {
        const { groupId, topics, producerId } = request;
        let errorCode: number = isElsewhere(groupId, node) ? ERROR.NOT_COORDINATOR : ERROR.NONE;
        if (errorCode === ERROR.NONE) errorCode = joinTransaction(cluster, request, version);
        if (errorCode === ERROR.NONE) {
          errorCode = commitError(cluster, request, request.generationId, true);
        }
        const results = commit(cluster, groupId, topics, errorCode, producerId);
        if (errorCode === ERROR.NONE) {
          groups
            .offsetsPartition(groups.partitionOf(groupId))
            ?.producers.begin(producerId, request.producerEpoch, 0);
        }
        return { throttleTimeMs: 0, topics: results };
      },
      settings.version === '3.9' ? FIRST_THAT_ADDS - 1 : txnOffsetCommit.maxVersion,
    ),
    serve(offsetFetch, (request, { node, version }) => {
      const fetchGroup = (
        groupId: string,
        topics: readonly OffsetFetchRequestTopics[] | null,
      ): { groupId: string; topics: OffsetFetchResponseTopics[]; errorCode: number } => {
        if (isElsewhere(groupId, node)) {
          return { groupId, topics: [], errorCode: ERROR.NOT_COORDINATOR };
        }
        const group = groups.get(groupId);
        const asked = topics ?? allTopics(group);
        const found = asked.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partition) =>
            committed(group, name, partition, request.requireStable),
          ),
        }));
        return { groupId, topics: found, errorCode: ERROR.NONE };
      };
      if (version >= FIRST_WITH_GROUPS) {
        const answers = request.groups.map(({ groupId, topics }) => fetchGroup(groupId, topics));
        return { throttleTimeMs: 0, topics: [], errorCode: ERROR.NONE, groups: answers };
      }
      const { topics, errorCode } = fetchGroup(request.groupId, request.topics);
      return { throttleTimeMs: 0, topics, errorCode, groups: [] };
    }),
    serve(offsetDelete, ({ groupId, topics }, { node }) => {
      const group = groups.get(groupId);
      let errorCode: number = isElsewhere(groupId, node) ? ERROR.NOT_COORDINATOR : ERROR.NONE;
      if (errorCode === ERROR.NONE && group === undefined) errorCode = ERROR.GROUP_ID_NOT_FOUND;
      if (errorCode !== ERROR.NONE) return { errorCode, throttleTimeMs: 0, topics: [] };
      const isInUse = group !== undefined && group.state !== 'Empty';
      const results = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          if (!isInUse) group?.offsets.delete(name, partitionIndex);
          return {
            partitionIndex,
            errorCode: isInUse ? ERROR.GROUP_SUBSCRIBED_TO_TOPIC : ERROR.NONE,
          };
        }),
      }));
      return { errorCode, throttleTimeMs: 0, topics: results };
    }),
  ];
}

function commitError(
  { groups, settings }: ClusterState,
  identity: {
    readonly groupId: string;
    readonly memberId: string;
    readonly groupInstanceId: string | null;
  },
  generation: number,
  isTransactional: boolean,
): number {
  const group = groups.get(identity.groupId);
  if (group !== undefined) return group.commitError(identity, generation, isTransactional);
  if (generation < 0) return ERROR.NONE;
  return isTransactional && settings.version === '3.9'
    ? ERROR.UNKNOWN_MEMBER_ID
    : ERROR.ILLEGAL_GENERATION;
}

/** The group's partition has to be in the transaction: on protocol 1 by AddOffsetsToTxn, on protocol 2 by this commit. */
function joinTransaction(
  cluster: ClusterState,
  { transactionalId, groupId, producerId, producerEpoch }: Complete<TxnOffsetCommitRequest>,
  version: number,
): number {
  const { transactions, groups } = cluster;
  const partition = offsetsPartition(cluster, groupId);
  const states = groups.offsetsPartition(partition.partition)?.producers;
  if (states?.hasOpenTransaction(producerId, producerEpoch) === true) return ERROR.NONE;
  const producer = { producerId, producerEpoch };
  const errorCode =
    version >= FIRST_THAT_ADDS
      ? transactions.add(transactionalId, producer, [partition])
      : transactions.verify(transactionalId, producer, partition);
  switch (errorCode) {
    case ERROR.PRODUCER_FENCED:
      return ERROR.INVALID_PRODUCER_EPOCH;
    case ERROR.TRANSACTION_ABORTABLE:
      return version < FIRST_WITH_ABORTABLE ? ERROR.INVALID_TXN_STATE : errorCode;
    case ERROR.CONCURRENT_TRANSACTIONS:
      return version < FIRST_THAT_ADDS ? ERROR.COORDINATOR_LOAD_IN_PROGRESS : errorCode;
    default:
      return errorCode;
  }
}

/** Commits what may be committed: at once, or with the transaction of a producer. */
function commit(
  { groups, topics, settings }: ClusterState,
  groupId: string,
  requested: readonly OffsetsOfTopic[],
  errorCode: number,
  producerId: number | null,
): { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[] {
  const errorOf = (topic: string, partition: number, metadata: string): number => {
    if (topics.log(topic, partition) === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    if (errorCode !== ERROR.NONE) return errorCode;
    return metadata.length > settings.offsetMetadataMaxBytes
      ? ERROR.OFFSET_METADATA_TOO_LARGE
      : ERROR.NONE;
  };
  return requested.map(({ name: topic, partitions }) => ({
    name: topic,
    partitions: partitions.map((asked) => {
      const { partitionIndex: partition, committedOffset, committedLeaderEpoch } = asked;
      const metadata = asked.committedMetadata ?? '';
      const code = errorOf(topic, partition, metadata);
      if (code === ERROR.NONE) {
        const { offsets } = groups.getOrCreate(groupId);
        const leaderEpoch = committedLeaderEpoch;
        const offset = { topic, partition, offset: committedOffset, leaderEpoch, metadata };
        if (producerId === null) offsets.commit(offset);
        else offsets.commitInTransaction(producerId, offset);
      }
      return { partitionIndex: partition, errorCode: code };
    }),
  }));
}

function committed(
  group: ClassicGroup | undefined,
  topic: string,
  partitionIndex: number,
  requireStable: boolean,
): OffsetFetchResponsePartitions {
  const isUnstable = requireStable && group?.offsets.isPending(topic, partitionIndex) === true;
  const found = isUnstable ? undefined : group?.offsets.get(topic, partitionIndex);
  return {
    partitionIndex,
    committedOffset: found?.offset ?? NO_OFFSET,
    committedLeaderEpoch: found?.leaderEpoch ?? -1,
    metadata: found?.metadata ?? '',
    errorCode: isUnstable ? ERROR.UNSTABLE_OFFSET_COMMIT : ERROR.NONE,
  };
}

function allTopics(group: ClassicGroup | undefined): OffsetFetchRequestTopics[] {
  const partitions = new Map<string, number[]>();
  for (const { topic, partition } of group?.offsets.all() ?? []) {
    partitions.set(topic, [...(partitions.get(topic) ?? []), partition]);
  }
  return [...partitions].map(([name, partitionIndexes]) => ({ name, partitionIndexes }));
}
