import { StreamsError, invariant, isStreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import { addOffsetsToTxn } from '../wire/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxn } from '../wire/messages/add-partitions-to-txn.ts';
import { endTxn } from '../wire/messages/end-txn.ts';
import { initProducerId } from '../wire/messages/init-producer-id.ts';
import { txnOffsetCommit } from '../wire/messages/txn-offset-commit.ts';
import { Backoff } from './backoff.ts';
import { brokerError, coordinatorMoved } from './broker-errors.ts';
import { byTopic } from './by-topic.ts';
import { requestTopics, type PartitionOffset } from './committed-offsets.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { Answer, ClientApi } from './broker-connection.ts';
import type { ClientRequestOptions, KafkaClient, NodeTarget } from './kafka-client.ts';
import { assertMember, type Membership } from './membership.ts';

export interface TransactionManagerOptions {
  readonly client: KafkaClient;
  /** Null: an idempotent producer without transactions. */
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** How long each step is tried. */
  readonly timeoutMs: number;
}

/**
 *     unready   no producer id yet, or an end that has to be followed by another one
 *     ready     an id and an epoch, no transaction
 *     open      the coordinator may know of this transaction
 */
type Phase = 'unready' | 'ready' | 'open';

const MAX_SEQUENCE = 0x7fff_ffff;
/** Right after an EndTxn the coordinator still writes markers: usually for some milliseconds. */
const BACKOFF = { firstMs: 2, maxMs: 100 };

/** Produce 12, TxnOffsetCommit 5 and EndTxn 5 belong together: mixed with older ones the protection is silently lost. */
const FIRST_OF_PROTOCOL_2 = { produce: 12, txnOffsetCommit: 5, endTxn: 5 } as const;
const FIRST_WITH_GENERATION = 3;

/** Answers to an EndTxn after which the coordinator may have written its decision all the same. */
const UNCERTAIN: ReadonlySet<number> = new Set([
  ERROR.UNKNOWN_SERVER_ERROR,
  ERROR.REQUEST_TIMED_OUT,
  ERROR.NETWORK_EXCEPTION,
  ERROR.COORDINATOR_NOT_AVAILABLE,
  ERROR.NOT_COORDINATOR,
]);

/**
 * The identity of a producer and the state of its transaction: which requests to send, with which epoch and sequences.
 *
 * Protocol 2 (KIP-890), where the cluster has finalized `transaction.version` 2, changes the epoch at each end of a
 * transaction, so a late request of one can never reach the next. Protocol 1 does not. There the broker takes a late copy of any
 * request into the next transaction of the same epoch; so after every request without an answer the epoch is changed, by
 * InitProducerId(-1, -1), before the next transaction begins (invariant I8). With (pid, epoch) a broker 3.9 would fence us.
 *
 * Errors carry what the runtime does next: `STREAMS_TASK_MIGRATED` rejoin; `STREAMS_TXN_TIMEOUT`,
 * `STREAMS_COMMIT_OUTCOME_UNKNOWN` and `STREAMS_TASK_CORRUPTED` restore; `STREAMS_AUTHORIZATION` and `STREAMS_CONFIG` stop.
 * After each of them, `abort` makes the producer usable again.
 *
 * Source: KIP-98, KIP-360, KIP-447, KIP-890; `org.apache.kafka.clients.producer.internals.TransactionManager`.
 */
export class TransactionManager {
  readonly #options: TransactionManagerOptions;
  readonly #client: KafkaClient;
  readonly #sequences = new Map<string, number>();
  readonly #partitions = new Set<string>();
  readonly #groups = new Set<string>();
  #phase: Phase = 'unready';
  #protocol: 1 | 2 = 1;
  #producerId = -1;
  #epoch = -1;
  #hasOffsets = false;
  #needsNewEpoch = false;

  constructor(options: TransactionManagerOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  get producerId(): number {
    return this.#producerId;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get isTransactional(): boolean {
    return this.#options.transactionalId !== null;
  }

  get protocol(): 1 | 2 {
    return this.#protocol;
  }

  /** The coordinator may know of a transaction of ours. */
  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** What Produce may be spoken in: 12 says "protocol 2". */
  get produceVersions(): { readonly minVersion?: number; readonly maxVersion?: number } {
    if (!this.isTransactional) return {};
    return this.#protocol === 2
      ? { minVersion: FIRST_OF_PROTOCOL_2.produce }
      : { maxVersion: FIRST_OF_PROTOCOL_2.produce - 1 };
  }

  /**
   * Gets an id and an epoch that nobody had before; a transaction that was open under this transactional id is aborted and
   * its owner fenced.
   */
  async init(): Promise<void> {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    this.#phase = 'unready';
    this.#protocol = this.#client.transactionVersion >= 2 ? 2 : 1;
    const target =
      transactionalId === null
        ? ({ any: true } as const)
        : ({ coordinator: 'transaction', key: transactionalId } as const);
    const { producerId, producerEpoch } = await this.#retrying(
      'getting a producer id',
      async () => {
        const { response } = await this.#client.send(target, 'txn', initProducerId, {
          transactionalId,
          transactionTimeoutMs,
          producerId: -1,
          producerEpoch: -1,
        });
        this.#check(response.errorCode, initProducerId.name);
        return response;
      },
    );
    this.#adopt(producerId, producerEpoch);
  }

  /** First sequence of a batch of `recordCount` records; the next batch of the partition follows it. */
  takeSequence(key: string, recordCount: number): number {
    const sequence = this.#sequences.get(key) ?? 0;
    // Kafka's sequences wrap from 2^31 - 1 to 0.
    const next = sequence + recordCount;
    this.#sequences.set(key, next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next);
    return sequence;
  }

  /** The broker refused the partition's last batch, so its sequence is still free. */
  returnSequence(key: string, sequence: number): void {
    this.#sequences.set(key, sequence);
  }

  /** False while protocol 1 has yet to tell the coordinator that the transaction writes to a partition. */
  mayProduce(key: string): boolean {
    if (!this.isTransactional || this.#protocol === 2) return true;
    return this.#partitions.has(key);
  }

  /** Before each batch: the broker checks none of this, and shows an aborted record to everyone where it is wrong. */
  beginProduce(): void {
    invariant(this.#producerId >= 0 && this.#epoch >= 0, 'a batch needs a producer id and epoch');
    invariant(!this.#needsNewEpoch || this.#phase === 'open', 'the epoch must change first');
    if (this.isTransactional) this.#open();
  }

  /** Protocol 1: before the first batch of each partition. */
  async addPartitions(partitions: readonly TopicPartition[]): Promise<void> {
    const transactionalId = this.#transactionalId();
    // An abort does not wait for this: what is still tried then must not become part of the next transaction.
    const producerId = this.#producerId;
    const epoch = this.#epoch;
    this.#open();
    const topics = [...byTopic(partitions)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition }) => partition),
    }));
    await this.#step('adding partitions to the transaction', async () => {
      const { response } = await this.#ask(
        { coordinator: 'transaction', key: transactionalId },
        addPartitionsToTxn,
        {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: epoch,
          v3AndBelowTopics: topics,
        },
      );
      const codes = response.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
        resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
      );
      // One partition's error leaves the others "not attempted".
      const errorCode =
        codes.find((code) => code !== ERROR.NONE && code !== ERROR.OPERATION_NOT_ATTEMPTED) ??
        codes.find((code) => code !== ERROR.NONE) ??
        ERROR.NONE;
      this.#check(errorCode, addPartitionsToTxn.name);
    });
    if (producerId !== this.#producerId || epoch !== this.#epoch) return;
    for (const { topic, partition } of partitions) {
      this.#partitions.add(partitionKey(topic, partition));
    }
  }

  /** Puts offsets into the transaction, under the generation in which their records were read (invariants I4, I5). */
  async sendOffsets(offsets: readonly PartitionOffset[], membership: Membership): Promise<void> {
    assertMember(membership);
    invariant(offsets.length > 0, 'a request without offsets is not checked by the coordinator');
    const transactionalId = this.#transactionalId();
    invariant(this.#producerId >= 0 && this.#epoch >= 0, 'offsets need a producer id and epoch');
    invariant(!this.#needsNewEpoch || this.#phase === 'open', 'the epoch must change first');
    this.#open();
    const { groupId } = membership;
    if (this.#protocol === 1 && !this.#groups.has(groupId)) {
      await this.#addGroup(transactionalId, groupId);
    }
    await this.#step('committing offsets in the transaction', async () => {
      const { response } = await this.#ask(
        { coordinator: 'group', key: groupId },
        txnOffsetCommit,
        {
          transactionalId,
          groupId,
          producerId: this.#producerId,
          producerEpoch: this.#epoch,
          generationId: membership.generationId,
          memberId: membership.memberId,
          groupInstanceId: membership.groupInstanceId,
          topics: requestTopics(offsets),
        },
        this.#protocol === 2
          ? { minVersion: FIRST_OF_PROTOCOL_2.txnOffsetCommit }
          : {
              minVersion: FIRST_WITH_GENERATION,
              maxVersion: FIRST_OF_PROTOCOL_2.txnOffsetCommit - 1,
            },
      );
      for (const { name: topic, partitions } of response.topics) {
        for (const { partitionIndex: partition, errorCode } of partitions) {
          if (coordinatorMoved(errorCode)) this.#client.forgetCoordinator('group', groupId);
          if (errorCode !== ERROR.NONE) {
            throw brokerError(errorCode, { api: txnOffsetCommit.name, site: { topic, partition } });
          }
        }
      }
    });
    this.#hasOffsets = true;
  }

  /**
   * Commits. `STREAMS_COMMIT_OUTCOME_UNKNOWN` when only the coordinator knows what became of it; any other error says
   * that the transaction was not committed.
   *
   * Protocol 2 repeats a request without an answer: the coordinator tells a repetition from a new one. Protocol 1 must
   * not: a late copy would commit the next transaction, half written.
   */
  async commit(): Promise<void> {
    if (this.#phase !== 'open') return;
    invariant(this.#hasOffsets, 'every transaction commits offsets, else no generation guards it');
    await this.#endUntilAnswered(true);
    this.#closeTransaction();
    if (!this.#needsNewEpoch) return;
    try {
      await this.init();
    } catch (cause) {
      // It is committed, but nothing may begin under this epoch: what the runtime reads next will say so.
      throw new StreamsError(
        'STREAMS_COMMIT_OUTCOME_UNKNOWN',
        'the transaction was committed, and then the producer could not get another epoch',
        { cause },
      );
    }
  }

  /** Ends whatever is open, and leaves a producer that can begin again, with another epoch where that is needed. */
  async abort(): Promise<void> {
    if (this.#phase === 'ready' && !this.#needsNewEpoch) return;
    if (this.#phase === 'open' && !this.#needsNewEpoch && this.isTransactional) {
      try {
        await this.#endUntilAnswered(false);
        this.#closeTransaction();
        return;
      } catch (error) {
        if (!isStreamsError(error)) throw error;
        this.#client.logger.debug({ err: error }, 'an abort failed: taking another epoch');
      }
    }
    await this.init();
  }

  /**
   * A request has no answer, so a copy of it may be on its way: protocol 1 would take it into the next transaction.
   * Protocol 2 changes the epoch anyway; without transactions a copy is a duplicate that the log knows.
   */
  noteLateCopy(): void {
    if (this.isTransactional && this.#protocol === 1) this.#needsNewEpoch = true;
  }

  /** The log and we may disagree: nothing more begins under this epoch. */
  requireNewEpoch(): void {
    this.#needsNewEpoch = true;
  }

  async #addGroup(transactionalId: string, groupId: string): Promise<void> {
    await this.#step('adding offsets to the transaction', async () => {
      const { response } = await this.#ask(
        { coordinator: 'transaction', key: transactionalId },
        addOffsetsToTxn,
        { transactionalId, producerId: this.#producerId, producerEpoch: this.#epoch, groupId },
      );
      this.#check(response.errorCode, addOffsetsToTxn.name);
    });
    this.#groups.add(groupId);
  }

  async #endUntilAnswered(committed: boolean): Promise<void> {
    const transactionalId = this.#transactionalId();
    const { clock, timers, random } = this.#client;
    const backoff = new Backoff(BACKOFF, random);
    const startMs = clock.monotonicMs();
    // Whether a request of ours may have been carried out without our knowing.
    let isUncertain = false;
    for (;;) {
      const request: { isSent: boolean } = { isSent: false };
      const outcome = await this.#end(transactionalId, committed, () => {
        request.isSent = true;
        if (committed) this.#client.failpoints.pass('endtxn.sent');
      });
      if (outcome === 'done') return;
      const { error, isDefinite } = outcome;
      isUncertain ||= request.isSent && !isDefinite;
      const isLate = clock.monotonicMs() - startMs > this.#options.timeoutMs;
      const mayRepeat =
        error.recovery === 'retry' && !isLate && (this.#protocol === 2 || !isUncertain);
      if (!mayRepeat) {
        this.#needsNewEpoch = true;
        this.#phase = 'unready';
        throw this.#endError(error, isUncertain);
      }
      await timers.sleep(backoff.nextMs());
    }
  }

  /** One EndTxn. An answer is definite unless the coordinator may have failed half-way. */
  async #end(
    transactionalId: string,
    committed: boolean,
    onSend: () => void,
  ): Promise<'done' | { readonly error: StreamsError; readonly isDefinite: boolean }> {
    try {
      const { response } = await this.#client.send(
        { coordinator: 'transaction', key: transactionalId },
        'txn',
        endTxn,
        {
          transactionalId,
          producerId: this.#producerId,
          producerEpoch: this.#epoch,
          committed,
        },
        {
          onSend,
          ...(this.#protocol === 2
            ? { minVersion: FIRST_OF_PROTOCOL_2.endTxn }
            : { maxVersion: FIRST_OF_PROTOCOL_2.endTxn - 1 }),
        },
      );
      const { errorCode } = response;
      if (errorCode === ERROR.NONE) {
        if (this.#protocol === 2) this.#adopt(response.producerId, response.producerEpoch);
        return 'done';
      }
      if (coordinatorMoved(errorCode)) {
        this.#client.forgetCoordinator('transaction', transactionalId);
      }
      const isDefinite = !UNCERTAIN.has(errorCode);
      return { error: this.#endRefused(errorCode), isDefinite };
    } catch (error) {
      if (!isStreamsError(error)) throw error;
      return { error, isDefinite: false };
    }
  }

  #endRefused(errorCode: number): StreamsError {
    const isFenced =
      errorCode === ERROR.PRODUCER_FENCED || errorCode === ERROR.INVALID_PRODUCER_EPOCH;
    // Protocol 2 has a code of its own for a timeout, so this one can only be another producer.
    if (!isFenced || this.#protocol === 1) return brokerError(errorCode, { api: endTxn.name });
    return new StreamsError(
      'STREAMS_TASK_MIGRATED',
      'another producer has taken over this transactional.id',
      { site: { api: endTxn.name } },
    );
  }

  #endError(error: StreamsError, isUncertain: boolean): StreamsError {
    const isNotCommitted = error.code === 'STREAMS_TXN_TIMEOUT' && this.#protocol === 2;
    if (isUncertain && !isNotCommitted) {
      return new StreamsError(
        'STREAMS_COMMIT_OUTCOME_UNKNOWN',
        `the coordinator did not say whether the transaction was committed: ${error.message}`,
        { cause: error },
      );
    }
    return error.recovery === 'retry' ? givenUp('ending the transaction', error) : error;
  }

  /** One request of an open transaction, repeated until it is answered. The transaction is lost when it fails. */
  async #step(what: string, attempt: () => Promise<void>): Promise<void> {
    try {
      await this.#retrying(what, attempt);
    } catch (error) {
      if (!isStreamsError(error)) throw error;
      throw error.recovery === 'retry' ? givenUp(what, error) : error;
    }
  }

  async #ask<Req, Res>(
    target: NodeTarget,
    api: ClientApi<Req, Res>,
    request: Req,
    options: ClientRequestOptions = {},
  ): Promise<Answer<Res>> {
    const sending = { isSent: false };
    const onSend = (): void => {
      sending.isSent = true;
      if (api.key === txnOffsetCommit.key) this.#client.failpoints.pass('offsets.sent');
    };
    try {
      return await this.#client.send(target, 'txn', api, request, { ...options, onSend });
    } catch (error) {
      if (sending.isSent) this.noteLateCopy();
      throw error;
    }
  }

  #check(errorCode: number, api: string): void {
    if (errorCode === ERROR.NONE) return;
    const { transactionalId } = this.#options;
    if (coordinatorMoved(errorCode) && transactionalId !== null) {
      this.#client.forgetCoordinator('transaction', transactionalId);
    }
    throw brokerError(errorCode, {
      api,
      detail: transactionalId === null ? null : `transactional.id ${transactionalId}`,
    });
  }

  #open(): void {
    invariant(this.#phase !== 'unready', 'the producer is not initialized');
    if (this.#phase === 'ready') this.#client.failpoints.pass('txn.begin');
    this.#phase = 'open';
  }

  #adopt(producerId: number, epoch: number): void {
    this.#producerId = producerId;
    this.#epoch = epoch;
    this.#sequences.clear();
    this.#needsNewEpoch = false;
    this.#closeTransaction();
  }

  #closeTransaction(): void {
    this.#phase = 'ready';
    this.#partitions.clear();
    this.#groups.clear();
    this.#hasOffsets = false;
  }

  #transactionalId(): string {
    const { transactionalId } = this.#options;
    invariant(
      transactionalId !== null,
      'a producer without a transactional.id has no transactions',
    );
    return transactionalId;
  }

  #retrying<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { timeoutMs: deadlineMs } = this.#options;
    return this.#client.retrying(what, attempt, { deadlineMs, backoff: BACKOFF });
  }
}

function givenUp(what: string, error: StreamsError): StreamsError {
  return new StreamsError(
    'STREAMS_TXN_TIMEOUT',
    `${what} failed, so the transaction is given up: ${error.message}`,
    { cause: error },
  );
}
