import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { deleteRecords } from '../../wire/messages/delete-records.ts';
import { listOffsets } from '../../wire/messages/list-offsets.ts';
import { offsetForLeaderEpoch } from '../../wire/messages/offset-for-leader-epoch.ts';
import type { ClusterState } from './cluster-state.ts';
import { serve, type ServedApi } from './handler.ts';
import type { Isolation, OffsetAndTime, PartitionLog } from './partition-log.ts';

/** Times of ListOffsets that are none. */
const LATEST = -1;
const EARLIEST = -2;
const MAX_TIME = -3;
const EARLIEST_LOCAL = -4;
const NOT_FOUND: OffsetAndTime = { offset: -1, timestampMs: -1 };

/** ListOffsets, OffsetForLeaderEpoch and DeleteRecords: the places of a log that have names. */
export function serveOffsets(cluster: ClusterState): ServedApi[] {
  return [
    serve(listOffsets, ({ topics, isolationLevel }, { node }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp, currentLeaderEpoch }) => {
          const log = cluster.topics.log(name, partitionIndex);
          const errorCode = leaderError(log, node, currentLeaderEpoch);
          if (log === undefined || errorCode !== ERROR.NONE) {
            return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
          }
          const isolation = isolationLevel === 1 ? 'read_committed' : 'read_uncommitted';
          const found = find(log, timestamp, isolation);
          return {
            partitionIndex,
            errorCode,
            timestamp: found.timestampMs,
            offset: found.offset,
            leaderEpoch: found.offset < 0 ? -1 : log.leaderEpoch,
          };
        }),
      })),
    })),
    serve(offsetForLeaderEpoch, ({ topics }, { node }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, leaderEpoch, currentLeaderEpoch }) => {
          const log = cluster.topics.log(topic, partition);
          const errorCode = leaderError(log, node, currentLeaderEpoch);
          // One copy, one history: it ends where the log ends, for every epoch that has been.
          const isKnown = errorCode === ERROR.NONE && leaderEpoch <= (log?.leaderEpoch ?? -1);
          return {
            errorCode,
            partition,
            leaderEpoch: isKnown ? leaderEpoch : -1,
            endOffset: isKnown ? (log?.highWatermark ?? -1) : -1,
          };
        }),
      })),
    })),
    serve(deleteRecords, ({ topics }, { node }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, offset }) => {
          const topic = cluster.topics.get(name);
          const log = topic?.partitions[partitionIndex];
          const isCompacted = topic?.config.get('cleanup.policy') === 'compact';
          let errorCode = leaderError(log, node, -1);
          if (errorCode === ERROR.NONE && isCompacted) errorCode = ERROR.POLICY_VIOLATION;
          if (log !== undefined && errorCode === ERROR.NONE) {
            errorCode = log.deleteRecordsBefore(offset);
          }
          const lowWatermark = errorCode === ERROR.NONE ? (log?.logStartOffset ?? -1) : -1;
          return { partitionIndex, lowWatermark, errorCode };
        }),
      })),
    })),
  ];
}

function find(log: PartitionLog, timestampMs: number, isolation: Isolation): OffsetAndTime {
  const end = log.endFor(isolation);
  switch (timestampMs) {
    case LATEST:
      return { offset: end, timestampMs: -1 };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.logStartOffset, timestampMs: -1 };
    case MAX_TIME:
      return log.offsetOfMaxTime(end) ?? NOT_FOUND;
    default:
      return log.offsetForTime(timestampMs, end) ?? NOT_FOUND;
  }
}

function leaderError(log: PartitionLog | undefined, node: number, leaderEpoch: number): number {
  if (log === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  if (log.leader !== node) return ERROR.NOT_LEADER_OR_FOLLOWER;
  if (leaderEpoch > log.leaderEpoch) return ERROR.UNKNOWN_LEADER_EPOCH;
  return leaderEpoch >= 0 && leaderEpoch < log.leaderEpoch ? ERROR.FENCED_LEADER_EPOCH : ERROR.NONE;
}
