import { fetch } from './messages/fetch.ts';
import type { ElementSize, Reader } from './reader.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface LeaderAndEpoch {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** What one partition got. The records are a view of the response, cut at any byte: `readRecordBatch` walks them. */
export interface FetchedPartition {
  /** Up to version 12 the topic's name, from version 13 on its id in hex. */
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Null for read_uncommitted; in the order of the markers, and maybe with entries that match nothing here. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Where our log parts from the leader's, when the request said what epoch we had read. */
  readonly divergingOffset: number | null;
  /** The leader to ask instead, where the broker knows it. */
  readonly currentLeader: LeaderAndEpoch | null;
  readonly records: Uint8Array | null;
}

export interface FetchResult {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

const FIRST_BY_ID = 13;
const FIRST_WITH_SESSION = 7;
const FIRST_WITH_LOG_START = 5;
const FIRST_WITH_PREFERRED_REPLICA = 11;

const DIVERGING_EPOCH_TAG = 0;
const CURRENT_LEADER_TAG = 1;

const SIZE_OF_TOPIC: ElementSize = { minBytes: 3, fields: 0 };
const SIZE_OF_PARTITION: ElementSize = { minBytes: 24, fields: 10 };
const SIZE_OF_ABORTED: ElementSize = { minBytes: 16, fields: 2 };

/**
 * Reads a Fetch response as one list of partitions. The generated reader gives all of the message, and makes five objects
 * for a partition where this makes one; what only followers and sessions need is skipped here.
 */
export function readFetchResponse(reader: Reader, version: number): FetchResult {
  reader.begin('Fetch response', version, version >= fetch.flexibleFrom);
  const throttleTimeMs = reader.int32('throttleTimeMs');
  const errorCode = version >= FIRST_WITH_SESSION ? reader.int16('errorCode') : 0;
  if (version >= FIRST_WITH_SESSION) reader.int32('sessionId');
  const partitions: FetchedPartition[] = [];
  for (let left = reader.listLength('responses', SIZE_OF_TOPIC); left > 0; left--) {
    const topic =
      version >= FIRST_BY_ID ? reader.uuid('responses.topicId') : reader.string('responses.topic');
    const count = reader.listLength('responses.partitions', SIZE_OF_PARTITION);
    for (let index = 0; index < count; index++) {
      partitions.push(readPartition(reader, version, topic));
    }
    reader.skipTags();
  }
  reader.skipTags();
  return { throttleTimeMs, errorCode, partitions };
}

function readPartition(reader: Reader, version: number, topic: string): FetchedPartition {
  const partition = reader.int32('partitions.partitionIndex');
  const errorCode = reader.int16('partitions.errorCode');
  const highWatermark = reader.int64('partitions.highWatermark');
  const lastStableOffset = reader.int64('partitions.lastStableOffset');
  const logStartOffset =
    version >= FIRST_WITH_LOG_START ? reader.int64('partitions.logStartOffset') : -1;
  const abortedTransactions = reader.nullableList(
    'partitions.abortedTransactions',
    version,
    readAborted,
    SIZE_OF_ABORTED,
  );
  if (version >= FIRST_WITH_PREFERRED_REPLICA) reader.int32('partitions.preferredReadReplica');
  const records = reader.nullableBytes('partitions.records');
  let divergingOffset: number | null = null;
  let currentLeader: LeaderAndEpoch | null = null;
  for (let left = reader.tagCount(); left > 0; left--) {
    const tag = reader.uvarint('tag');
    const end = reader.tagEnd();
    if (tag === DIVERGING_EPOCH_TAG) {
      reader.int32('partitions.divergingEpoch.epoch');
      divergingOffset = reader.int64('partitions.divergingEpoch.endOffset');
    } else if (tag === CURRENT_LEADER_TAG) {
      const leaderId = reader.int32('partitions.currentLeader.leaderId');
      const leaderEpoch = reader.int32('partitions.currentLeader.leaderEpoch');
      currentLeader = { leaderId, leaderEpoch };
    }
    reader.skipTo(end);
  }
  return {
    topic,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    divergingOffset,
    currentLeader,
    records,
  };
}

function readAborted(reader: Reader): AbortedTransaction {
  const producerId = reader.int64('partitions.abortedTransactions.producerId');
  const firstOffset = reader.int64('partitions.abortedTransactions.firstOffset');
  reader.skipTags();
  return { producerId, firstOffset };
}
