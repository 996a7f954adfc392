import type { Complete } from '../../wire/api.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import {
  fetch,
  type FetchRequest,
  type FetchRequestFetchPartition,
  type FetchResponse,
  type FetchResponsePartitionData,
} from '../../wire/messages/fetch.ts';
import { ZERO_UUID } from '../../wire/uuid.ts';
import type { ClusterState } from './cluster-state.ts';
import { serve, type RequestContext, type ServedApi } from './handler.ts';
import type { Isolation, PartitionLog } from './partition-log.ts';

const FIRST_BY_ID = 13;
/** Answered before any log is asked, and a little different from the errors of a log. */
const UNKNOWN: ReadonlySet<number> = new Set([
  ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ERROR.UNKNOWN_TOPIC_ID,
]);
const NO_BYTES = new Uint8Array(0);

/**
 * Fetch, by name up to v12 and by topic id from v13 on. Parked until `minBytes` are there, some partition has an error, or
 * `maxWaitMs` is over. There are no sessions: every request that asks for one gets a full answer without.
 */
export function serveFetch(cluster: ClusterState): ServedApi {
  return serve(fetch, async (request, context) => {
    if (request.sessionId !== 0) return sessionError(ERROR.FETCH_SESSION_ID_NOT_FOUND);
    const endMs = cluster.timers.clock.monotonicMs() + request.maxWaitMs;
    for (;;) {
      const { response, isReady, logs } = readAll(cluster, request, context);
      const leftMs = endMs - cluster.timers.clock.monotonicMs();
      if (isReady || leftMs <= 0 || context.signal.aborted) return response;
      await untilChange(cluster, logs, leftMs, context.signal);
    }
  });
}

interface Reading {
  readonly response: FetchResponse;
  readonly isReady: boolean;
  readonly logs: readonly PartitionLog[];
}

function readAll(
  cluster: ClusterState,
  request: Complete<FetchRequest>,
  { version, node }: RequestContext,
): Reading {
  const isolation: Isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted';
  const logs: PartitionLog[] = [];
  const failed: number[] = [];
  let size = 0;
  const responses = request.topics.map(({ topic: name, topicId, partitions }) => {
    const byId = version >= FIRST_BY_ID;
    const topic = byId ? cluster.topics.byId(topicId) : cluster.topics.get(name);
    const answers = partitions.map((asked) => {
      const log = topic?.partitions[asked.partition];
      const unknown =
        byId && topic === undefined ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      const errorCode = log === undefined ? unknown : fetchError(log, asked, node);
      if (log === undefined || errorCode !== ERROR.NONE) {
        failed.push(asked.partition);
        return failedPartition(asked.partition, errorCode);
      }
      logs.push(log);
      const maxBytes = Math.min(asked.partitionMaxBytes, Math.max(0, request.maxBytes - size));
      const answer = readPartition(log, asked, isolation, maxBytes, size === 0);
      size += answer.records?.length ?? 0;
      if (answer.divergingEpoch.epoch >= 0) failed.push(asked.partition);
      return answer;
    });
    return { topic: name, topicId: byId ? topicId : ZERO_UUID, partitions: answers };
  });
  return {
    response: { throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses, nodeEndpoints: [] },
    isReady: failed.length > 0 || size >= request.minBytes || logs.length === 0,
    logs,
  };
}

function fetchError(
  log: PartitionLog,
  { currentLeaderEpoch, fetchOffset, lastFetchedEpoch }: Complete<FetchRequestFetchPartition>,
  node: number,
): number {
  if (log.leader !== node) return ERROR.NOT_LEADER_OR_FOLLOWER;
  if (currentLeaderEpoch > log.leaderEpoch) return ERROR.UNKNOWN_LEADER_EPOCH;
  if (currentLeaderEpoch >= 0 && currentLeaderEpoch < log.leaderEpoch) {
    return ERROR.FENCED_LEADER_EPOCH;
  }
  const isBeyond = fetchOffset > log.highWatermark && lastFetchedEpoch < 0;
  return fetchOffset < log.logStartOffset || isBeyond ? ERROR.OFFSET_OUT_OF_RANGE : ERROR.NONE;
}

function readPartition(
  log: PartitionLog,
  { partition, fetchOffset }: Complete<FetchRequestFetchPartition>,
  isolation: Isolation,
  maxBytes: number,
  atLeastOne: boolean,
): FetchResponsePartitionData {
  const end = log.endFor(isolation);
  const { highWatermark, lastStableOffset, logStartOffset, leaderEpoch } = log;
  const isDiverging = fetchOffset > highWatermark;
  const records =
    isDiverging || fetchOffset >= end ? NO_BYTES : log.read(fetchOffset, end, maxBytes, atLeastOne);
  return {
    partitionIndex: partition,
    errorCode: ERROR.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    divergingEpoch: isDiverging
      ? { epoch: leaderEpoch, endOffset: highWatermark }
      : { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions:
      isolation === 'read_committed' && !isDiverging ? abortedFor(log, fetchOffset, records) : null,
    preferredReadReplica: -1,
    records,
  };
}

function abortedFor(
  log: PartitionLog,
  fetchOffset: number,
  records: Uint8Array,
): FetchResponsePartitionData['abortedTransactions'] {
  if (records.length === 0) return [];
  return log
    .abortedBetween(fetchOffset, log.highWatermark)
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
}

function failedPartition(partitionIndex: number, errorCode: number): FetchResponsePartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions: UNKNOWN.has(errorCode) ? [] : null,
    preferredReadReplica: -1,
    records: NO_BYTES,
  };
}

function sessionError(errorCode: number): FetchResponse {
  return { throttleTimeMs: 0, errorCode, sessionId: 0, responses: [], nodeEndpoints: [] };
}

/** Resolves when one of the logs changes, the time is over, or the connection is gone. */
function untilChange(
  { timers }: ClusterState,
  logs: readonly PartitionLog[],
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      for (const remove of removals) remove();
      resolve();
    };
    const timer = timers.schedule(waitMs, done);
    const removals = logs.map((log) => log.onChange(done));
    signal.addEventListener('abort', done, { once: true });
  });
}
