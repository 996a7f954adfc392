import type { Timer } from '../common/clock.ts';
import { StreamsError, invariant, isStreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { CompressionCodecs } from '../wire/compression.ts';
import type { Crc32c } from '../wire/crc32c.ts';
import type { FetchedPartition as PartitionAnswer } from '../wire/fetch-response.ts';
import { RecordCursor } from '../wire/record-cursor.ts';
import { Backoff } from './backoff.ts';
import { brokerError, isRetriable } from './broker-errors.ts';
import { committedBatches } from './committed-batches.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import {
  FetchPartition,
  type FetchedPartition,
  type PartitionAssignment,
} from './fetch-partition.ts';
import { FETCH, LAST_BY_NAME, askedPartitions, fetchRequest } from './fetch-request.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { Isolation } from './list-offsets.ts';
import { PartitionLeaders } from './partition-leaders.ts';

export type { FetchedPartition, PartitionAssignment } from './fetch-partition.ts';

export interface FetcherOptions {
  readonly client: KafkaClient;
  readonly isolation: Isolation;
  readonly lane: 'fetch' | 'restore';
  readonly crc32c: Crc32c;
  readonly codecs: CompressionCodecs;
  /** How long a broker may wait for data. Default 500 ms. */
  readonly maxWaitMs?: number;
  /** Default 1. */
  readonly minBytes?: number;
  /** One answer. Default 50 MiB. */
  readonly maxBytes?: number;
  /** One partition in an answer; also how much of one is held in advance. Default 1 MiB. */
  readonly maxPartitionBytes?: number;
  /** All that was fetched and not polled; a single batch may exceed it. Default 50 MiB. */
  readonly prefetchBytes?: number;
  /** How long a topic may be unknown to the cluster before that is an error. Default 5 s. */
  readonly missingTopicTimeoutMs?: number;
}

interface Node {
  readonly backoff: Backoff;
  isAsked: boolean;
  /** The request under way was given up on purpose. */
  isInterrupted: boolean;
  retryTimer: Timer | null;
}

/** While a partition cannot be asked for, since its reader has enough, no other may hold the connection for long. */
const SHORT_WAIT_MS = 50;
const MAX_UNREADABLE_ANSWERS = 3;
/** Records of a smaller part of an answer than this are copied out of it. */
const MAX_BYTES_KEPT_PER_BYTE = 8;

/**
 * Reads partitions from their leaders ahead of its owner: one request at a time for each broker, for all partitions whose
 * queues have room. Nothing here ever resets an offset.
 *
 *     assign → (background) fetch → filter → queue → poll
 *
 * A broker that is away, a leader that moves and a topic that is being made are waited for, however long: `poll` just
 * gives nothing. What waiting does not heal is thrown by `poll` and `tryPoll`, again at each call until `seek` or `assign`
 * gives the partition another offset: `STREAMS_OFFSET_OUT_OF_RANGE`, `STREAMS_TOPIC_RECREATED`, `STREAMS_TOPIC_MISSING`,
 * `STREAMS_AUTHORIZATION`, `STREAMS_CORRUPT_MESSAGE`, `STREAMS_BROKER_UNSUPPORTED`, `STREAMS_AUTHENTICATION`. What is
 * queued for other partitions stays.
 */
export class Fetcher {
  readonly #options: Required<FetcherOptions>;
  readonly #client: KafkaClient;
  readonly #cursor: RecordCursor;
  readonly #closing = new AbortController();
  readonly #nodes = new Map<number, Node>();
  readonly #leaders: PartitionLeaders;
  #partitions = new Map<string, FetchPartition>();
  #failure: Error | null = null;
  #unreadableAnswers = 0;
  #answers = 0;
  #onData: (() => void) | null = null;
  #waiters: (() => void)[] = [];

  constructor(options: FetcherOptions) {
    this.#options = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 50 << 20,
      maxPartitionBytes: 1 << 20,
      prefetchBytes: 50 << 20,
      missingTopicTimeoutMs: 5_000,
      ...options,
    };
    this.#client = options.client;
    this.#leaders = new PartitionLeaders({
      client: options.client,
      missingTopicTimeoutMs: this.#options.missingTopicTimeoutMs,
      signal: this.#closing.signal,
      partitions: () => this.#partitions.values(),
      onChange: () => {
        this.#pump();
      },
      onError: (state, error) => {
        this.#fail(state, error);
      },
      onFailure: (error) => {
        this.#failForGood(error);
      },
    });
    // Control batches are not compressed, so the limit is never reached.
    this.#cursor = new RecordCursor({ codecs: options.codecs, maxDecompressedBytes: 0, site: {} });
  }

  /** Replaces the assignment. A partition that stays at the position where it is keeps what is queued for it. */
  assign(assignments: readonly PartitionAssignment[]): void {
    this.#failure = null;
    this.#unreadableAnswers = 0;
    const partitions = new Map<string, FetchPartition>();
    const added: FetchPartition[] = [];
    for (const assignment of assignments) {
      const key = partitionKey(assignment.topic, assignment.partition);
      const existing = this.#partitions.get(key);
      const stays =
        existing?.error === null &&
        existing.position === assignment.offset &&
        (assignment.topicId === undefined || assignment.topicId === existing.topicId);
      if (stays) {
        existing.isPaused = false;
        partitions.set(key, existing);
      } else {
        const state = new FetchPartition(assignment);
        partitions.set(key, state);
        added.push(state);
      }
    }
    this.#partitions = partitions;
    this.#interruptFor(added);
    this.#pump();
  }

  /** Offset of the next record that `poll` gives out; undefined for a partition that is not assigned. */
  position(topic: string, partition: number): number | undefined {
    return this.#partitions.get(partitionKey(topic, partition))?.position;
  }

  /**
   * Offsets between the position and the end as the broker last said it: the last stable offset under read_committed, else
   * the high watermark. Undefined before the first answer.
   */
  lag(topic: string, partition: number): number | undefined {
    const state = this.#partitions.get(partitionKey(topic, partition));
    if (state === undefined || state.highWatermark < 0) return undefined;
    const end =
      this.#options.isolation === 'read_committed' ? state.lastStableOffset : state.highWatermark;
    return Math.max(0, end - state.position);
  }

  /** Holds partitions back: nothing more is asked for them and `poll` leaves them out. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const state = this.#partitions.get(partitionKey(topic, partition));
      if (state !== undefined) state.isPaused = true;
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    let hasQueued = false;
    for (const { topic, partition } of partitions) {
      const state = this.#partitions.get(partitionKey(topic, partition));
      if (state === undefined) continue;
      state.isPaused = false;
      hasQueued ||= state.hasQueued;
    }
    if (hasQueued) this.#wake();
    this.#pump();
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    this.#partitions.get(partitionKey(topic, partition))?.seek(offset);
    this.#pump();
  }

  /** What is queued now. */
  tryPoll(): readonly FetchedPartition[] {
    if (this.#failure !== null) throw this.#failure;
    const chunks: FetchedPartition[] = [];
    for (const { error } of this.#partitions.values()) if (error !== null) throw error;
    for (const state of this.#partitions.values()) if (!state.isPaused) state.takeQueued(chunks);
    if (chunks.length > 0) this.#pump();
    return chunks;
  }

  /** What is queued, as soon as there is something; nothing after `timeoutMs`. */
  async poll(timeoutMs: number, signal?: AbortSignal): Promise<readonly FetchedPartition[]> {
    const chunks = this.tryPoll();
    if (chunks.length > 0 || timeoutMs <= 0) return chunks;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#waiters = this.#waiters.filter((waiter) => waiter !== onWake);
      };
      const onWake = (): void => {
        settle();
        resolve();
      };
      const onAbort = (): void => {
        settle();
        const reason: unknown = signal?.reason;
        reject(reason instanceof Error ? reason : new Error('aborted'));
      };
      const timer = this.#client.timers.schedule(timeoutMs, onWake);
      this.#waiters.push(onWake);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
    });
    return this.tryPoll();
  }

  /** Called, from the event loop, whenever `tryPoll` has something new: records or an error. */
  onData(callback: (() => void) | null): void {
    this.#onData = callback;
  }

  /** Stops fetching; what is queued is gone. */
  close(): Promise<void> {
    this.#closing.abort(new StreamsError('STREAMS_STOPPED', 'the fetcher was closed'));
    this.#partitions = new Map();
    for (const { retryTimer } of this.#nodes.values()) retryTimer?.cancel();
    this.#wake();
    return Promise.resolve();
  }

  /** Asks every broker that is not being asked already for what can be asked for. */
  #pump(): void {
    if (this.#closing.signal.aborted || this.#failure !== null) return;
    const byNode = this.#leaders.byNode();
    const shareBytes = Math.floor(this.#options.prefetchBytes / Math.max(1, byNode.size));
    for (const [nodeId, partitions] of byNode) {
      const node = this.#node(nodeId);
      if (node.isAsked || node.retryTimer !== null) continue;
      const askable = partitions.filter((state) => this.#isAskable(state));
      const roomBytes = askable.length === 0 ? 0 : makeRoom(partitions, shareBytes);
      if (roomBytes <= 0) continue;
      askable.sort((a, b) => a.servedAt - b.servedAt);
      void this.#ask(nodeId, node, askable, askable.length < partitions.length, roomBytes);
    }
  }

  #isAskable(state: FetchPartition): boolean {
    return (
      !state.isPaused && state.error === null && state.queuedBytes < this.#options.maxPartitionBytes
    );
  }

  async #ask(
    nodeId: number,
    node: Node,
    partitions: readonly FetchPartition[],
    someWait: boolean,
    roomBytes: number,
  ): Promise<void> {
    const { lane, maxWaitMs, maxBytes } = this.#options;
    const waitMs = someWait ? Math.min(maxWaitMs, SHORT_WAIT_MS) : maxWaitMs;
    const limits = {
      ...this.#options,
      maxWaitMs: waitMs,
      maxBytes: Math.min(maxBytes, roomBytes),
    };
    const haveIds = partitions.every(({ topicId }) => topicId !== undefined);
    const asked = askedPartitions(partitions);
    node.isAsked = true;
    node.isInterrupted = false;
    try {
      const { response, version, recycle } = await this.#client.send(
        { node: nodeId },
        lane,
        FETCH,
        (v) => fetchRequest(v, partitions, limits),
        {
          waitMs,
          signal: this.#closing.signal,
          ...(haveIds ? {} : { maxVersion: LAST_BY_NAME }),
        },
      );
      if (response.errorCode !== ERROR.NONE) {
        throw brokerError(response.errorCode, { api: FETCH.name });
      }
      this.#unreadableAnswers = 0;
      const byKey = asked(version);
      const lease = new AnswerLease(recycle);
      let needsBackoff = false;
      for (const answer of response.partitions) {
        const one = byKey.get(partitionKey(answer.topic, answer.partition));
        if (one === undefined || !this.#isWanted(one.state, one.offset)) continue;
        needsBackoff = !this.#take(one.state, answer, lease) || needsBackoff;
      }
      lease.release();
      if (needsBackoff) this.#retryLater(node);
      else node.backoff.reset();
    } catch (error) {
      this.#askFailed(node, partitions, error);
    } finally {
      node.isAsked = false;
      this.#pump();
    }
  }

  /** Whether the partition is still assigned and still waits for this offset. */
  #isWanted(state: FetchPartition, offset: number): boolean {
    const key = partitionKey(state.topic, state.partition);
    return this.#partitions.get(key) === state && state.fetchOffset === offset;
  }

  /** Takes in one partition's answer; false when it has to be asked for again after a while. */
  #take(state: FetchPartition, answer: PartitionAnswer, lease: AnswerLease): boolean {
    const { topic, partition, fetchOffset } = state;
    const site = { topic, partition };
    if (answer.errorCode !== ERROR.NONE) return this.#refused(state, answer);
    const isNews = state.highWatermark < 0;
    state.highWatermark = answer.highWatermark;
    state.lastStableOffset = answer.lastStableOffset;
    if (answer.records === null || answer.records.length === 0) {
      if (isNews) this.#wake();
      return true;
    }
    state.servedAt = ++this.#answers;
    const records = ofItsOwn(answer.records);
    try {
      const { batches, nextOffset, recordCount } = committedBatches({
        records,
        fetchOffset,
        abortedTransactions: answer.abortedTransactions,
        crc32c: this.#options.crc32c,
        cursor: this.#cursor,
        site,
      });
      if (nextOffset === fetchOffset) return true;
      state.enqueue({
        topic,
        partition,
        batches,
        startOffset: fetchOffset,
        nextOffset,
        highWatermark: answer.highWatermark,
        lastStableOffset: answer.lastStableOffset,
        logStartOffset: answer.logStartOffset,
        byteLength: answer.records.length,
        recordCount,
        ...(records === answer.records ? { release: lease.hold() } : {}),
      });
      if (!state.isPaused) this.#wake();
    } catch (error) {
      if (!isStreamsError(error)) throw error;
      this.#fail(state, error);
    }
    return true;
  }

  #refused(
    state: FetchPartition,
    { errorCode, logStartOffset, highWatermark }: PartitionAnswer,
  ): boolean {
    const { topic, partition, fetchOffset } = state;
    if (isRetriable(errorCode) || errorCode === ERROR.INCONSISTENT_TOPIC_ID) {
      // The metadata tell whether the leader has moved, or the topic is gone or another one now.
      this.#client.forgetTopic(topic);
      return false;
    }
    const isOutside = errorCode === ERROR.OFFSET_OUT_OF_RANGE;
    const error = brokerError(errorCode, {
      api: FETCH.name,
      site: { topic, partition, offset: fetchOffset },
      detail:
        isOutside && highWatermark >= 0 ? `the log is [${logStartOffset}, ${highWatermark})` : null,
    });
    this.#fail(state, error);
    return true;
  }

  #askFailed(node: Node, partitions: readonly FetchPartition[], error: unknown): void {
    if (node.isInterrupted) return;
    this.#client.logger.debug({ err: error }, 'a fetch failed');
    const isUnreadable = isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE');
    if (isUnreadable) this.#unreadableAnswers++;
    const mayHeal = isUnreadable || (isStreamsError(error) && error.recovery === 'retry');
    if (!mayHeal || this.#unreadableAnswers >= MAX_UNREADABLE_ANSWERS) {
      this.#failForGood(error);
      return;
    }
    for (const { topic } of partitions) this.#client.forgetTopic(topic);
    this.#retryLater(node);
  }

  #retryLater(node: Node): void {
    node.retryTimer = this.#client.timers.schedule(node.backoff.nextMs(), () => {
      node.retryTimer = null;
      this.#pump();
    });
  }

  #node(nodeId: number): Node {
    let node = this.#nodes.get(nodeId);
    if (node === undefined) {
      const backoff = new Backoff(this.#client.backoff, this.#client.random);
      node = { backoff, isAsked: false, isInterrupted: false, retryTimer: null };
      this.#nodes.set(nodeId, node);
    }
    return node;
  }

  /** A new partition does not wait for a long poll of others: its connection is closed and opened again. */
  #interruptFor(added: readonly FetchPartition[]): void {
    const leaders = new Set(
      added.map(
        ({ topic, partition }) => this.#client.cachedTopic(topic)?.partitions[partition]?.leader,
      ),
    );
    for (const [nodeId, node] of this.#nodes) {
      if (!node.isAsked || !leaders.has(nodeId)) continue;
      node.isInterrupted = true;
      this.#client.resetLane(nodeId, this.#options.lane);
    }
  }

  #failForGood(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#wake();
  }

  #fail(state: FetchPartition, error: StreamsError): void {
    state.error = error;
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#onData?.();
  }
}

/** The memory of one answer, given back once all of its partitions have been read. */
class AnswerLease {
  readonly release: () => void;
  readonly #recycle: () => void;
  #holders = 0;

  constructor(recycle: () => void) {
    this.#recycle = recycle;
    this.release = this.hold();
  }

  /** One more holder, who gives up by calling what this returns: once, since the others may still read. */
  hold(): () => void {
    this.#holders++;
    let holds = true;
    return () => {
      invariant(holds, 'whoever holds a fetch answer gives it back once');
      holds = false;
      if (--this.#holders === 0) this.#recycle();
    };
  }
}

/** A copy where a few records would keep many times their bytes, the answer that they came in, for as long as they wait. */
function ofItsOwn(records: Uint8Array): Uint8Array {
  const isSmallPart = records.length * MAX_BYTES_KEPT_PER_BYTE < records.buffer.byteLength;
  return isSmallPart ? new Uint8Array(records) : records;
}

/** Bytes that may still be fetched of a share; partitions whose readers want nothing give way to those that do. */
function makeRoom(partitions: readonly FetchPartition[], shareBytes: number): number {
  let queuedBytes = 0;
  for (const state of partitions) queuedBytes += state.queuedBytes;
  if (queuedBytes < shareBytes) return shareBytes - queuedBytes;
  for (const state of partitions) {
    if (!state.isPaused) continue;
    queuedBytes -= state.queuedBytes;
    state.dropQueued();
  }
  return shareBytes - queuedBytes;
}
