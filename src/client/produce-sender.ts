import type { Timer } from '../common/clock.ts';
import { StreamsError, invariant, isStreamsError } from '../common/errors.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { CompressionCodecs } from '../wire/compression.ts';
import type { Crc32c } from '../wire/crc32c.ts';
import {
  produce,
  type ProduceResponse,
  type ProduceResponsePartitionProduceResponse,
} from '../wire/messages/produce.ts';
import { writeProduceRequest, type ProduceRequestOptions } from '../wire/produce-request.ts';
import { Writer } from '../wire/writer.ts';
import { Backoff } from './backoff.ts';
import type { ClientApi } from './broker-connection.ts';
import { brokerError, isRetriable, leaderMoved } from './broker-errors.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { PartitionBatches, PendingBatch, RecordAccumulator } from './record-accumulator.ts';
import { rewriteBatch } from './rewrite-batch.ts';
import type { TransactionManager } from './transaction-manager.ts';

/** A batch that the broker refused; `recordIndexes` are counted in the batch, null where it did not say which. */
export interface ProductionFailure extends TopicPartition {
  readonly error: StreamsError;
  readonly recordIndexes: readonly number[] | null;
}

/** `drop` leaves the refused records out (the whole batch where the broker named none) and sends the others. */
export type ProductionErrorHandler = (failure: ProductionFailure) => 'fail' | 'drop';

export interface ProduceSenderOptions {
  readonly client: KafkaClient;
  readonly accumulator: RecordAccumulator;
  readonly transaction: TransactionManager;
  readonly transactionalId: string | null;
  readonly lingerMs: number;
  readonly maxRequestBytes: number;
  /** How long a batch may take from its first record to its acknowledgement. */
  readonly deliveryTimeoutMs: number;
  readonly crc32c: Crc32c;
  readonly codecs: CompressionCodecs;
  readonly onAck: (batches: PartitionBatches, lastOffset: number) => void;
  /** A batch was refused; the answer says what to do about it. */
  readonly onRefused: ProductionErrorHandler;
  /** Delivery failed for good: nothing more is sent until `reset`. */
  readonly onFailure: (error: StreamsError) => void;
  /** Something was acknowledged, dropped or failed. */
  readonly onProgress: () => void;
}

const PRODUCE: ClientApi<ProduceRequestOptions, ProduceResponse> = {
  ...produce,
  writeRequest: writeProduceRequest,
};

const ALL_IN_SYNC = -1;
/** After an EndTxn the coordinator still writes markers, usually for some milliseconds. */
const CONCURRENT_BACKOFF = { firstMs: 2, maxMs: 20 };

interface Node {
  isBusy: boolean;
  writer: Writer;
}

/**
 * Sends batches: one request at a time for each broker, in it the oldest batch of each of its partitions. A batch whose
 * answer is missing or says "later" is sent again, the same bytes under the same sequence, until `deliveryTimeoutMs`.
 * So the log has each batch once and in order.
 */
export class ProduceSender {
  readonly #options: ProduceSenderOptions;
  readonly #client: KafkaClient;
  readonly #backoff: Backoff;
  readonly #concurrentBackoff: Backoff;
  readonly #onSend: () => void;
  #nodes = new Map<number, Node>();
  /** Counts resets: an answer to an earlier life is dropped. */
  #life = 0;
  #isFailed = false;
  #isFlushing = false;
  #isAddingPartitions = false;
  #isLoadingMetadata = false;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ProduceSenderOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#backoff = new Backoff(options.client.backoff, options.client.random);
    this.#concurrentBackoff = new Backoff(CONCURRENT_BACKOFF, options.client.random);
    const { failpoints } = options.client;
    this.#onSend = () => {
      failpoints.pass('produce.sent');
    };
  }

  /** While true, open batches are sent at once. */
  set isFlushing(value: boolean) {
    this.#isFlushing = value;
  }

  /** Whether a request is under way whose answer would tell what became of its batches. */
  get isBusy(): boolean {
    return [...this.#nodes.values()].some(({ isBusy }) => isBusy) || this.#isAddingPartitions;
  }

  /** A new life: answers that are still to come mean nothing any more. */
  reset(): void {
    this.#life++;
    this.#nodes = new Map();
    this.#isFailed = false;
    this.#isFlushing = false;
    this.#isAddingPartitions = false;
    this.#stopTimer();
  }

  /** Sends what is ready to be sent, to every broker that is free. */
  pump(): void {
    const { accumulator, transaction } = this.#options;
    if (this.#isFailed || accumulator.hasMark) return;
    const nowMs = this.#client.clock.monotonicMs();
    const byNode = new Map<number, PartitionBatches[]>();
    const notAdded: PartitionBatches[] = [];
    const withoutLeader = new Set<string>();
    for (const batches of accumulator.active) {
      const readyAtMs = this.#readyAtMs(batches, nowMs);
      if (readyAtMs > nowMs) {
        this.#wakeAt(readyAtMs);
        continue;
      }
      if (this.#isExpired(batches, nowMs)) return;
      if (!transaction.mayProduce(batches.key)) {
        notAdded.push(batches);
        continue;
      }
      const leader = this.#leaderOf(batches, withoutLeader);
      if (leader < 0) continue;
      const ofNode = byNode.get(leader);
      if (ofNode === undefined) byNode.set(leader, [batches]);
      else ofNode.push(batches);
    }
    if (notAdded.length > 0) void this.#addPartitions();
    if (withoutLeader.size > 0) void this.#loadMetadata([...withoutLeader]);
    for (const [nodeId, ready] of byNode) {
      const node = this.#node(nodeId);
      if (!node.isBusy) void this.#send(nodeId, node, this.#fitting(ready));
    }
  }

  /** When the partition has something to send; never while a batch of it is under way. */
  #readyAtMs(
    { isInFlight, sent, sealed, open, notBeforeMs }: PartitionBatches,
    nowMs: number,
  ): number {
    if (isInFlight) return Number.POSITIVE_INFINITY;
    if (sent !== null || sealed.length > 0) return notBeforeMs;
    if (open === null) return Number.POSITIVE_INFINITY;
    return this.#isFlushing ? nowMs : open.createdAtMs + this.#options.lingerMs;
  }

  #isExpired({ sent, sealed, open, topic, partition }: PartitionBatches, nowMs: number): boolean {
    const oldest = sent ?? sealed[0] ?? open;
    const { deliveryTimeoutMs } = this.#options;
    if (oldest === null || nowMs - oldest.createdAtMs <= deliveryTimeoutMs) return false;
    const isMissing = this.#client.cachedTopic(topic) === undefined;
    this.#fail(
      isMissing
        ? new StreamsError(
            'STREAMS_TOPIC_MISSING',
            'records were written to a topic that does not exist',
            {
              site: { topic, partition },
            },
          )
        : new StreamsError(
            'STREAMS_TASK_CORRUPTED',
            `a batch was not acknowledged within ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`,
            { site: { topic, partition } },
          ),
    );
    return true;
  }

  #leaderOf({ topic, partition }: PartitionBatches, withoutLeader: Set<string>): number {
    const leader = this.#client.cachedTopic(topic)?.partitions[partition]?.leader ?? -1;
    if (leader >= 0 && this.#client.isFresh(topic)) return leader;
    withoutLeader.add(topic);
    return -1;
  }

  /** As many as one request takes; at least one. */
  #fitting(ready: readonly PartitionBatches[]): readonly PartitionBatches[] {
    let bytes = 0;
    const fitting: PartitionBatches[] = [];
    // Batches of one topic stand together in a request.
    for (const batches of [...ready].sort((a, b) =>
      a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0,
    )) {
      const next = batches.sent ?? batches.sealed[0] ?? batches.open;
      bytes += next?.writer.sizeBytes ?? 0;
      if (bytes > this.#options.maxRequestBytes && fitting.length > 0) continue;
      fitting.push(batches);
    }
    return fitting;
  }

  async #send(nodeId: number, node: Node, ready: readonly PartitionBatches[]): Promise<void> {
    const life = this.#life;
    const { transaction, transactionalId } = this.#options;
    node.isBusy = true;
    try {
      transaction.beginProduce();
      const sent = ready.map((batches) => ({ batches, bytes: this.#finish(batches) }));
      const timeoutMs = this.#client.requestTimeoutMs;
      const { response } = await this.#client.send(
        { node: nodeId },
        'produce',
        PRODUCE,
        {
          transactionalId,
          acks: ALL_IN_SYNC,
          timeoutMs,
          batches: sent.map(({ batches: { topic, partition }, bytes }) => ({
            topic,
            partition,
            batch: bytes,
          })),
        },
        { ...transaction.produceVersions, writer: node.writer, onSend: this.#onSend },
      );
      if (life === this.#life) this.#take(sent, response);
    } catch (error) {
      // The socket may still hold the bytes of the request that failed.
      node.writer = new Writer();
      if (life === this.#life) this.#sendFailed(ready, error);
    } finally {
      node.isBusy = false;
      if (life === this.#life) this.pump();
    }
  }

  #finish(batches: PartitionBatches): Uint8Array {
    const { accumulator, transaction } = this.#options;
    if (batches.sent === null) {
      if (batches.sealed.length === 0) accumulator.seal(batches);
      batches.sent = batches.sealed.shift() ?? null;
    }
    const { sent } = batches;
    invariant(sent !== null, 'there is a batch to send');
    if (sent.sequence < 0) {
      sent.sequence = transaction.takeSequence(batches.key, sent.writer.recordCount);
    }
    batches.isInFlight = true;
    return sent.writer.finish({
      producerId: transaction.producerId,
      producerEpoch: transaction.epoch,
      baseSequence: sent.sequence,
      isTransactional: transaction.isTransactional,
    });
  }

  #take(
    sent: readonly { readonly batches: PartitionBatches; readonly bytes: Uint8Array }[],
    { responses }: ProduceResponse,
  ): void {
    const answers = new Map<string, ProduceResponsePartitionProduceResponse>();
    for (const { name, partitionResponses } of responses) {
      for (const answer of partitionResponses) answers.set(`${name}-${answer.index}`, answer);
    }
    for (const { batches, bytes } of sent) {
      const answer = answers.get(batches.key);
      batches.isInFlight = false;
      if (answer === undefined) this.#retryLater(batches, ERROR.NETWORK_EXCEPTION);
      else if (answer.errorCode === ERROR.NONE && answer.baseOffset >= 0)
        this.#acked(batches, answer);
      else this.#refused(batches, bytes, answer);
      if (this.#isFailed) return;
    }
    this.#options.onProgress();
  }

  #acked(batches: PartitionBatches, { baseOffset }: ProduceResponsePartitionProduceResponse): void {
    const sent = sentOf(batches);
    this.#backoff.reset();
    this.#concurrentBackoff.reset();
    const lastOffset = baseOffset + sent.writer.recordCount - 1;
    this.#options.accumulator.release(batches, sent);
    this.#options.onAck(batches, lastOffset);
  }

  #refused(
    batches: PartitionBatches,
    bytes: Uint8Array,
    { errorCode, errorMessage, recordErrors }: ProduceResponsePartitionProduceResponse,
  ): void {
    const { topic, partition } = batches;
    if (isRetriable(errorCode) || errorCode === ERROR.CORRUPT_MESSAGE) {
      if (leaderMoved(errorCode)) this.#client.forgetTopic(topic);
      this.#retryLater(batches, errorCode);
      return;
    }
    const isTooLarge =
      errorCode === ERROR.MESSAGE_TOO_LARGE || errorCode === ERROR.RECORD_LIST_TOO_LARGE;
    if (isTooLarge && sentOf(batches).writer.recordCount > 1) {
      this.#split(batches, bytes);
      return;
    }
    // An answer without an offset says that the log has the batch, but not where.
    const code = errorCode === ERROR.NONE ? ERROR.DUPLICATE_SEQUENCE_NUMBER : errorCode;
    const error = brokerError(code, {
      api: produce.name,
      site: { topic, partition },
      detail: errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? null,
    });
    const isAboutRecords =
      error.code === 'STREAMS_RECORD_TOO_LARGE' ||
      error.code === 'STREAMS_INVALID_TIMESTAMP' ||
      error.code === 'STREAMS_PRODUCTION';
    if (isAboutRecords) {
      const recordIndexes =
        recordErrors.length === 0 ? null : recordErrors.map(({ batchIndex }) => batchIndex);
      if (this.#options.onRefused({ topic, partition, error, recordIndexes }) === 'drop') {
        this.#dropRecords(batches, bytes, recordIndexes);
        return;
      }
    }
    this.#fail(error);
  }

  /** The broker has appended nothing, so the sequence is free for what is left. */
  #dropRecords(
    batches: PartitionBatches,
    bytes: Uint8Array,
    recordIndexes: readonly number[] | null,
  ): void {
    const { accumulator, transaction } = this.#options;
    const dropped = new Set(recordIndexes);
    const rest = accumulator.newWriter();
    if (recordIndexes !== null) {
      this.#rewrite(batches, bytes, (index) => (dropped.has(index) ? null : rest));
    }
    transaction.returnSequence(batches.key, sentOf(batches).sequence);
    accumulator.replaceSent(batches, rest.recordCount === 0 ? [] : [rest]);
  }

  #split(batches: PartitionBatches, bytes: Uint8Array): void {
    const { accumulator, transaction } = this.#options;
    const sent = sentOf(batches);
    const half = Math.ceil(sent.writer.recordCount / 2);
    const halves = [accumulator.newWriter(), accumulator.newWriter()] as const;
    this.#rewrite(batches, bytes, (index) => (index < half ? halves[0] : halves[1]));
    transaction.returnSequence(batches.key, sent.sequence);
    accumulator.replaceSent(batches, halves);
  }

  #rewrite(
    { topic, partition }: PartitionBatches,
    bytes: Uint8Array,
    place: Parameters<typeof rewriteBatch>[1],
  ): void {
    const { crc32c, codecs } = this.#options;
    const site = { topic, partition };
    rewriteBatch(bytes, place, {
      crc32c,
      codecs,
      site,
      maxDecompressedBytes: Number.MAX_SAFE_INTEGER,
    });
  }

  #sendFailed(ready: readonly PartitionBatches[], error: unknown): void {
    if (
      !isStreamsError(error) ||
      (error.recovery !== 'retry' && error.code !== 'STREAMS_CORRUPT_MESSAGE')
    ) {
      const known = isStreamsError(error)
        ? error
        : new StreamsError('STREAMS_INVARIANT', 'sending a batch failed', { cause: error });
      this.#fail(known);
      return;
    }
    this.#client.logger.debug({ err: error }, 'a produce request failed');
    this.#options.transaction.noteLateCopy();
    const notBeforeMs = this.#client.clock.monotonicMs() + this.#backoff.nextMs();
    for (const batches of ready) {
      this.#client.forgetTopic(batches.topic);
      batches.isInFlight = false;
      batches.notBeforeMs = notBeforeMs;
    }
  }

  #retryLater(batches: PartitionBatches, errorCode: number): void {
    const backoff =
      errorCode === ERROR.CONCURRENT_TRANSACTIONS ? this.#concurrentBackoff : this.#backoff;
    batches.notBeforeMs = this.#client.clock.monotonicMs() + backoff.nextMs();
  }

  /** Protocol 1: all partitions of the transaction that the coordinator does not know yet, in one request. */
  async #addPartitions(): Promise<void> {
    if (this.#isAddingPartitions) return;
    const life = this.#life;
    const { accumulator, transaction } = this.#options;
    this.#isAddingPartitions = true;
    const missing = [...accumulator.active].filter(({ key }) => !transaction.mayProduce(key));
    try {
      await transaction.addPartitions(missing);
    } catch (error) {
      if (life === this.#life) {
        this.#fail(
          isStreamsError(error)
            ? error
            : new StreamsError('STREAMS_INVARIANT', 'adding partitions failed', { cause: error }),
        );
      }
    } finally {
      if (life === this.#life) {
        this.#isAddingPartitions = false;
        this.pump();
      }
    }
  }

  async #loadMetadata(topics: readonly string[]): Promise<void> {
    if (this.#isLoadingMetadata) return;
    this.#isLoadingMetadata = true;
    let hasLeaders = false;
    try {
      const found = await this.#client.topics(topics, { refresh: true });
      hasLeaders = topics.every((topic) =>
        found.get(topic)?.partitions.every(({ leader }) => leader >= 0),
      );
    } catch (error) {
      if (!isStreamsError(error) || error.recovery !== 'retry') {
        this.#fail(
          isStreamsError(error)
            ? error
            : new StreamsError('STREAMS_INVARIANT', 'reading metadata failed', { cause: error }),
        );
        return;
      }
    } finally {
      this.#isLoadingMetadata = false;
    }
    const delayMs = hasLeaders ? 0 : this.#backoff.nextMs();
    this.#wakeAt(this.#client.clock.monotonicMs() + delayMs);
  }

  #fail(error: StreamsError): void {
    this.#isFailed = true;
    this.#stopTimer();
    this.#options.transaction.requireNewEpoch();
    this.#options.onFailure(error);
    this.#options.onProgress();
  }

  #node(nodeId: number): Node {
    let node = this.#nodes.get(nodeId);
    if (node === undefined) {
      node = { isBusy: false, writer: new Writer() };
      this.#nodes.set(nodeId, node);
    }
    return node;
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#timerAtMs || atMs === Number.POSITIVE_INFINITY) return;
    this.#stopTimer();
    this.#timerAtMs = atMs;
    const delayMs = Math.max(0, atMs - this.#client.clock.monotonicMs());
    this.#timer = this.#client.timers.schedule(delayMs, () => {
      this.#stopTimer();
      this.pump();
    });
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }
}

function sentOf({ sent }: PartitionBatches): PendingBatch {
  invariant(sent !== null, 'an answer is for a batch that was sent');
  return sent;
}
