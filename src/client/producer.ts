import { StreamsError, invariant } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import { partitionKey } from '../common/topic-partition.ts';
import type { CompressionCodecs, CompressionName } from '../wire/compression.ts';
import type { Crc32c } from '../wire/crc32c.ts';
import type { PartitionOffset } from './committed-offsets.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { Membership } from './membership.ts';
import { ProduceSender, type ProductionErrorHandler } from './produce-sender.ts';
import { RecordAccumulator, type ProducerMark } from './record-accumulator.ts';
import { TransactionManager } from './transaction-manager.ts';

export type { ProducerMark } from './record-accumulator.ts';

export interface ProducerOptions {
  readonly client: KafkaClient;
  /** Null: idempotent, without transactions (at least once). */
  readonly transactionalId: string | null;
  /** After this long the coordinator aborts a transaction by itself. Default 10 s. */
  readonly transactionTimeoutMs?: number;
  readonly compression?: CompressionName;
  readonly codecs: CompressionCodecs;
  readonly crc32c: Crc32c;
  /** Default 256 KiB: below that each record costs more, above it nothing is gained. */
  readonly batchBytes?: number;
  /** One request; also the largest record, as Kafka's max.request.size. Default 1 MiB. */
  readonly maxRequestBytes?: number;
  /** Appended and not acknowledged; beyond it `isFull` asks the caller to wait. Default 32 MiB. */
  readonly bufferBytes?: number;
  /** How long a batch that is not full waits for more. Default 100 ms, as in Kafka Streams. */
  readonly lingerMs?: number;
  /** From a batch's first record to its acknowledgement. Default 2 min. */
  readonly deliveryTimeoutMs?: number;
  /** How long one step of a transaction is tried. Default: the client's `apiTimeoutMs`. */
  readonly transactionStepTimeoutMs?: number;
}

/**
 * The producer of one stream thread: records are appended synchronously and travel in the background, one request at a time
 * for each broker, so that they are in the log once and in order.
 *
 *     prepareTopics · initTransactions
 *     append … append · poke               processing
 *     flush · sendOffsets · commitTransaction
 *
 * A delivery that fails for good fails everything after it: `append`, `flush`, `drain`, `sendOffsets` and
 * `commitTransaction` throw its error until `abortTransaction` (which a producer without transactions needs as well) has
 * thrown away what was buffered and taken a new epoch.
 */
export class Producer {
  readonly #client: KafkaClient;
  readonly #accumulator: RecordAccumulator;
  readonly #transaction: TransactionManager;
  readonly #sender: ProduceSender;
  readonly #bufferBytes: number;
  readonly #acked = new Map<string, number>();
  readonly #partitionCounts = new Map<string, number>();
  #failure: StreamsError | null = null;
  #hasAppended = false;
  /** Counts what was thrown away. */
  #discards = 0;
  #isClosed = false;
  #onError: ProductionErrorHandler | null = null;
  #waiters: (() => void)[] = [];

  private constructor(options: ProducerOptions) {
    const { client, transactionalId, codecs, crc32c, compression = 'none' } = options;
    const { batchBytes = 256 << 10, maxRequestBytes = 1 << 20, bufferBytes = 32 << 20 } = options;
    this.#client = client;
    this.#bufferBytes = bufferBytes;
    this.#accumulator = new RecordAccumulator({
      batch: {
        batchBytes,
        crc32c,
        ...(compression === 'none'
          ? {}
          : { compression: { name: compression, codec: codecs.get(compression, {}) } }),
      },
      maxRecordBytes: maxRequestBytes,
      pooledBatches: Math.ceil(bufferBytes / batchBytes),
      clock: client.clock,
    });
    this.#transaction = new TransactionManager({
      client,
      transactionalId,
      transactionTimeoutMs: options.transactionTimeoutMs ?? 10_000,
      timeoutMs: options.transactionStepTimeoutMs ?? client.apiTimeoutMs,
    });
    this.#sender = new ProduceSender({
      client,
      accumulator: this.#accumulator,
      transaction: this.#transaction,
      transactionalId,
      lingerMs: options.lingerMs ?? 100,
      maxRequestBytes,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
      crc32c,
      codecs,
      onAck: ({ key }, lastOffset) => {
        this.#acked.set(key, lastOffset);
      },
      onRefused: (failure) => this.#onError?.(failure) ?? 'fail',
      onFailure: (error) => {
        this.#failure ??= error;
      },
      onProgress: () => {
        this.#wake();
      },
    });
  }

  /** `STREAMS_CODEC_MISSING` for a compression that nobody has registered. */
  static create(options: ProducerOptions): Promise<Producer> {
    return Promise.resolve(new Producer(options));
  }

  /** Something was appended, or offsets were sent, since the last commit, abort or init. */
  get inTransaction(): boolean {
    return this.#hasAppended || this.#transaction.isOpen;
  }

  /** 2 where the cluster has finalized `transaction.version` 2. Known after `initTransactions`. */
  get protocol(): 1 | 2 {
    return this.#transaction.protocol;
  }

  get bufferedBytes(): number {
    return this.#accumulator.bufferedBytes;
  }

  get isFull(): boolean {
    return this.#accumulator.bufferedBytes >= this.#bufferBytes;
  }

  /** A batch was refused for what its records are; without a handler the producer fails. */
  onError(handler: ProductionErrorHandler | null): void {
    this.#onError = handler;
  }

  /**
   * Gets a producer id and epoch. An earlier producer of this transactional id is fenced, and what it had open is aborted.
   * Errors: `STREAMS_AUTHORIZATION`, `STREAMS_CONFIG`, `STREAMS_CLIENT` when it takes longer than a step may.
   */
  async initTransactions(): Promise<void> {
    this.#discard();
    await this.#transaction.init();
  }

  /** Number of partitions of a topic that was prepared. */
  partitionCount(topic: string): number | undefined {
    return this.#partitionCounts.get(topic);
  }

  /** Learns partition counts and leaders. `STREAMS_TOPIC_MISSING` names the first topic that does not exist. */
  async prepareTopics(topics: readonly string[]): Promise<void> {
    const found = await this.#client.retrying('reading topics', () =>
      this.#client.topics(topics, { refresh: true }),
    );
    for (const topic of topics) {
      const info = found.get(topic);
      if (info === undefined) {
        throw new StreamsError(
          'STREAMS_TOPIC_MISSING',
          'the topic to write to does not exist: create it',
          { site: { topic } },
        );
      }
      this.#partitionCounts.set(topic, info.partitionCount);
    }
  }

  /**
   * Adds a record to the batch of its partition; its bytes are copied. Never waits and never refuses for lack of room: see
   * `isFull`. Errors: `STREAMS_RECORD_TOO_LARGE`; the error of an earlier delivery.
   */
  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    if (this.#failure !== null) throw this.#failure;
    const isNewBatch = this.#accumulator.append(topic, partition, key, value, timestampMs, headers);
    this.#hasAppended = true;
    // Arms the timer that sends the batch if nobody pokes.
    if (isNewBatch) this.#sender.pump();
  }

  /** From here to `rollback` or `release` nothing is sent, and all that is appended can be taken back. */
  mark(): ProducerMark {
    return this.#accumulator.mark();
  }

  rollback(mark: ProducerMark): void {
    this.#accumulator.rollback(mark);
  }

  release(mark: ProducerMark): void {
    this.#accumulator.releaseMark(mark);
  }

  /** Starts to send what is full or has waited long enough. */
  poke(): void {
    if (this.#accumulator.active.size > 0) this.#sender.pump();
  }

  /** Resolves when half of the buffer is free; throws when a delivery has failed. */
  async drain(): Promise<void> {
    this.#sender.isFlushing = true;
    this.#sender.pump();
    try {
      await this.#until(() => this.#accumulator.bufferedBytes <= this.#bufferBytes / 2);
    } finally {
      this.#sender.isFlushing = false;
    }
  }

  /** Resolves when everything that was appended is in the log; throws when a delivery has failed. */
  async flush(): Promise<void> {
    invariant(!this.#accumulator.hasMark, 'nothing is flushed in the middle of a record');
    this.#sender.isFlushing = true;
    this.#sender.pump();
    try {
      await this.#until(() => this.#accumulator.active.size === 0);
    } finally {
      this.#sender.isFlushing = false;
    }
  }

  /** Offset of the last record that this producer has in the log of a partition, since `initTransactions` or an abort. */
  ackedOffset(topic: string, partition: number): number | undefined {
    return this.#acked.get(partitionKey(topic, partition));
  }

  /** After `flush`: puts the offsets of the records that were processed into the transaction. */
  async sendOffsets(offsets: readonly PartitionOffset[], membership: Membership): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    invariant(
      this.#accumulator.active.size === 0,
      'offsets follow when all records are in the log',
    );
    await this.#failing(() => this.#transaction.sendOffsets(offsets, membership));
  }

  /**
   * After `sendOffsets`. Without anything to commit nothing is sent.
   * Errors: see `TransactionManager.commit`.
   */
  async commitTransaction(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    invariant(
      this.#accumulator.active.size === 0,
      'a commit follows when all records are in the log',
    );
    await this.#failing(() => this.#transaction.commit());
    this.#hasAppended = false;
  }

  /** Throws away what is buffered, ends the transaction, and leaves a producer that can begin again. */
  async abortTransaction(): Promise<void> {
    // We do not know what became of batches without an answer, or their sequence is a gap: the epoch keeps them out of
    // the next transaction, and gives their partitions new sequences.
    const isUndecided = this.#sender.isBusy || this.#accumulator.hasSent;
    if (isUndecided) this.#transaction.requireNewEpoch();
    this.#discard();
    await this.#transaction.abort();
  }

  /** Forgets what is buffered. Does not end an open transaction: `abortTransaction` first. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#discard();
    this.#wake();
    return Promise.resolve();
  }

  #discard(): void {
    this.#accumulator.clear();
    this.#sender.reset();
    this.#acked.clear();
    this.#failure = null;
    this.#hasAppended = false;
    this.#discards++;
    this.#wake();
  }

  async #failing(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (error instanceof StreamsError) this.#failure ??= error;
      throw error;
    }
  }

  async #until(isReached: () => boolean): Promise<void> {
    const discards = this.#discards;
    while (!isReached()) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
      if (this.#isClosed) throw new StreamsError('STREAMS_STOPPED', 'the producer was closed');
      if (discards !== this.#discards) {
        throw new StreamsError('STREAMS_TASK_CORRUPTED', 'what was to be flushed was thrown away');
      }
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
