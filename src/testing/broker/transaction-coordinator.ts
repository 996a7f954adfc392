import { partitionKey, type TopicPartition } from '../../common/topic-partition.ts';
import type { TransactionMarker } from '../../wire/control-batch.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import type { BrokerSettings } from './broker-settings.ts';
import type { BrokerTimers } from './broker-timers.ts';
import type { Delay } from './faults.ts';
import {
  decided,
  isEpochExhausted,
  newTransaction,
  preparing,
  type Outcome,
  type Transaction,
} from './transaction.ts';

/** Where a transaction leaves its marker: a partition of a topic, or the offsets of a group. */
export interface MarkerTarget {
  writeMarker(marker: TransactionMarker): void;
}

export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface TransactionCoordinatorOptions {
  readonly settings: BrokerSettings;
  readonly timers: BrokerTimers;
  /** Undefined for a topic that is gone: its marker is left out. */
  readonly targetOf: (partition: TopicPartition) => MarkerTarget | undefined;
  /** How long the marker of a partition takes. */
  readonly markerDelay: (partition: TopicPartition, outcome: Outcome) => Delay;
}

const NO_PRODUCER: ProducerIdAndEpoch = { producerId: -1, producerEpoch: -1 };
const COORDINATOR_EPOCH = 0;

/**
 * Decides transactions. EndTxn is answered when the outcome is decided, before any partition has its marker; until all
 * have, every request of the same transactional id is CONCURRENT_TRANSACTIONS.
 *
 *     Empty ─► Ongoing ─► PrepareCommit ─ markers ─► CompleteCommit ─► Ongoing …
 *                    └──► PrepareAbort  ─ markers ─► CompleteAbort  ─► Ongoing …
 *
 * Protocol 1 (EndTxn up to v4) keeps the producer's epoch from one transaction to the next, so a request that comes late
 * hits the next one. Protocol 2 (EndTxn v5) raises it with every end.
 *
 * Error codes are those of the newest versions; `PRODUCER_FENCED` becomes `INVALID_PRODUCER_EPOCH` for older ones where the
 * request is answered. Source: `TransactionCoordinator`, `TransactionMetadata` of Kafka; KIP-98, KIP-360, KIP-890.
 */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #transactions = new Map<string, Transaction>();
  readonly #settled = new Set<() => void>();
  #nextProducerId = 1_000;

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
  }

  all(): readonly Transaction[] {
    return [...this.#transactions.values()];
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#transactions.get(transactionalId);
  }

  newProducerId(): number {
    return this.#nextProducerId++;
  }

  /** Fences whoever had this id; `expected` says who asks, where the client knows a producer id already. */
  init(
    transactionalId: string,
    timeoutMs: number,
    expected: ProducerIdAndEpoch | null,
  ): ProducerIdAndEpoch & { readonly errorCode: number } {
    const { transactionMaxTimeoutMs } = this.#options.settings;
    if (timeoutMs <= 0 || timeoutMs > transactionMaxTimeoutMs) {
      return { errorCode: ERROR.INVALID_TRANSACTION_TIMEOUT, ...NO_PRODUCER };
    }
    let txn = this.#transactions.get(transactionalId);
    if (txn === undefined) {
      txn = newTransaction(transactionalId, this.newProducerId());
      this.#transactions.set(transactionalId, txn);
    }
    const errorCode = this.#initError(txn, expected);
    if (errorCode !== ERROR.NONE) return { errorCode, ...NO_PRODUCER };
    txn.timeoutMs = timeoutMs;
    const isRepeated =
      expected !== null && txn.producerEpoch >= 0 && expected.producerEpoch !== txn.producerEpoch;
    if (!isRepeated) {
      this.#raiseEpoch(txn, expected === null ? -1 : txn.producerEpoch);
      txn.state = 'Empty';
    }
    return { errorCode, producerId: txn.producerId, producerEpoch: txn.producerEpoch };
  }

  /** Adds partitions to the transaction, which they begin if none is open. */
  add(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    partitions: readonly TopicPartition[],
  ): number {
    const txn = this.#transactions.get(transactionalId);
    const errorCode = checkProducer(txn, producer);
    if (txn === undefined || errorCode !== ERROR.NONE) return errorCode;
    if (txn.isPending) return ERROR.CONCURRENT_TRANSACTIONS;
    if (txn.state !== 'Ongoing') this.#begin(txn);
    for (const partition of partitions) {
      txn.partitions.set(partitionKey(partition.topic, partition.partition), partition);
    }
    return ERROR.NONE;
  }

  /** Whether the partition is in the producer's open transaction: asked before its first batch, on protocol 1. */
  verify(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    { topic, partition }: TopicPartition,
  ): number {
    const txn = this.#transactions.get(transactionalId);
    const errorCode = checkProducer(txn, producer);
    if (txn === undefined || errorCode !== ERROR.NONE) return errorCode;
    if (txn.isPending) return ERROR.CONCURRENT_TRANSACTIONS;
    return txn.partitions.has(partitionKey(topic, partition))
      ? ERROR.NONE
      : ERROR.TRANSACTION_ABORTABLE;
  }

  /** EndTxn up to v4. */
  endKeepingEpoch(transactionalId: string, producer: ProducerIdAndEpoch, outcome: Outcome): number {
    const txn = this.#transactions.get(transactionalId);
    const errorCode = checkProducer(txn, producer);
    if (txn === undefined || errorCode !== ERROR.NONE) return errorCode;
    if (txn.isPending) return ERROR.CONCURRENT_TRANSACTIONS;
    if (txn.state === 'Ongoing') {
      this.#decide(txn, outcome);
      return ERROR.NONE;
    }
    // To end it once more in the same way is a repetition, and fine.
    return txn.state === decided(outcome) ? ERROR.NONE : ERROR.INVALID_TXN_STATE;
  }

  /** EndTxn from v5 on: the epoch goes up, and tells a repetition from the end of the next transaction. */
  endRaisingEpoch(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    outcome: Outcome,
  ): ProducerIdAndEpoch & { readonly errorCode: number } {
    const txn = this.#transactions.get(transactionalId);
    if (txn === undefined || !isKnownProducer(txn, producer)) {
      return { errorCode: ERROR.INVALID_PRODUCER_ID_MAPPING, ...NO_PRODUCER };
    }
    const errorCode = this.#endRaising(txn, producer.producerEpoch, outcome);
    if (errorCode !== ERROR.NONE) return { errorCode, ...NO_PRODUCER };
    return { errorCode, producerId: txn.producerId, producerEpoch: txn.producerEpoch };
  }

  /** Resolves when some transaction has all its markers; rejects never. */
  nextSettled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.add(resolve);
    });
  }

  #endRaising(txn: Transaction, epoch: number, outcome: Outcome): number {
    const isRepeated = epoch === txn.producerEpoch - 1 && txn.state !== 'Ongoing';
    const isCurrent = epoch === txn.producerEpoch && txn.state !== preparing(outcome);
    if (!isRepeated && !isCurrent) return ERROR.PRODUCER_FENCED;
    if (txn.isPending) return ERROR.CONCURRENT_TRANSACTIONS;
    if (isRepeated && txn.state !== 'Empty') {
      return txn.state === decided(outcome) ? ERROR.NONE : ERROR.INVALID_TXN_STATE;
    }
    if (isRepeated) return ERROR.PRODUCER_FENCED;
    // With nothing added there is nothing to commit; an abort raises the epoch all the same.
    if (txn.state !== 'Ongoing' && outcome === 'commit') return ERROR.INVALID_TXN_STATE;
    this.#raiseEpoch(txn, txn.producerEpoch);
    this.#decide(txn, outcome);
    return ERROR.NONE;
  }

  #initError(txn: Transaction, expected: ProducerIdAndEpoch | null): number {
    if (txn.isPending) return ERROR.CONCURRENT_TRANSACTIONS;
    if (expected !== null && txn.producerEpoch >= 0) {
      if (expected.producerId !== txn.producerId) return ERROR.PRODUCER_FENCED;
      const { producerEpoch } = expected;
      const isKnown =
        producerEpoch === txn.producerEpoch || producerEpoch === txn.lastProducerEpoch;
      if (txn.state !== 'Ongoing' && !isKnown) return ERROR.PRODUCER_FENCED;
    }
    if (txn.state !== 'Ongoing') return ERROR.NONE;
    this.#fence(txn);
    return ERROR.CONCURRENT_TRANSACTIONS;
  }

  /** Aborts what is open under a new epoch, so that its producer can do nothing more. */
  #fence(txn: Transaction): void {
    const remembers = this.#options.settings.version !== '3.9';
    this.#raiseEpoch(txn, remembers ? txn.producerEpoch : -1);
    this.#decide(txn, 'abort');
  }

  #raiseEpoch(txn: Transaction, lastProducerEpoch: number): void {
    if (isEpochExhausted(txn.producerEpoch) && !txn.partitions.size) {
      txn.producerId = this.newProducerId();
      txn.producerEpoch = 0;
      txn.lastProducerEpoch = -1;
      return;
    }
    txn.lastProducerEpoch = lastProducerEpoch;
    txn.producerEpoch++;
  }

  #begin(txn: Transaction): void {
    const { timers, settings } = this.#options;
    txn.state = 'Ongoing';
    txn.startMs = timers.clock.nowMs();
    const number = ++txn.number;
    timers.schedule(txn.timeoutMs + settings.transactionCleanupIntervalMs, () => {
      if (txn.number === number && txn.state === 'Ongoing') this.#fence(txn);
    });
  }

  #decide(txn: Transaction, outcome: Outcome): void {
    const { timers, targetOf, markerDelay } = this.#options;
    const { producerId, producerEpoch } = txn;
    const partitions = [...txn.partitions.values()];
    txn.state = preparing(outcome);
    txn.isPending = true;
    const markers = partitions.map(async (partition) => {
      // Even without a delay the answer goes out first.
      await timers.wait(markerDelay(partition, outcome));
      targetOf(partition)?.writeMarker({
        type: outcome,
        producerId,
        producerEpoch,
        coordinatorEpoch: COORDINATOR_EPOCH,
        timestampMs: timers.clock.nowMs(),
      });
    });
    void Promise.all(markers).then(() => {
      txn.state = decided(outcome);
      txn.isPending = false;
      txn.partitions.clear();
      const waiting = [...this.#settled];
      this.#settled.clear();
      for (const resolve of waiting) resolve();
    });
  }
}

function checkProducer(
  txn: Transaction | undefined,
  { producerId, producerEpoch }: ProducerIdAndEpoch,
): number {
  if (txn?.producerId !== producerId) return ERROR.INVALID_PRODUCER_ID_MAPPING;
  return txn.producerEpoch === producerEpoch ? ERROR.NONE : ERROR.PRODUCER_FENCED;
}

function isKnownProducer(txn: Transaction, { producerId }: ProducerIdAndEpoch): boolean {
  return txn.producerId === producerId;
}
