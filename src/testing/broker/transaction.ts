import type { TopicPartition } from '../../common/topic-partition.ts';

/** As Kafka's DescribeTransactions names them. */
export type TransactionState =
  'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort';

export type Outcome = 'commit' | 'abort';

/** What the coordinator keeps of one transactional id: its producer, and the transaction that it has open. */
export interface Transaction {
  readonly transactionalId: string;
  producerId: number;
  producerEpoch: number;
  /** The epoch before the last change of it, which one more request may still name: a repetition. -1: none. */
  lastProducerEpoch: number;
  timeoutMs: number;
  state: TransactionState;
  /** Markers are being written: the outcome is decided, and every request has to wait. */
  isPending: boolean;
  /** By `partitionKey`. */
  readonly partitions: Map<string, TopicPartition>;
  /** Of the last transaction; -1 before the first. */
  startMs: number;
  /** Counts the transactions, so that a timer knows whether its own is still open. */
  number: number;
}

/** Epochs are int16; the last one is for fencing alone. */
const LAST_EPOCH = 2 ** 15 - 2;

export function isEpochExhausted(epoch: number): boolean {
  return epoch >= LAST_EPOCH;
}

export function newTransaction(transactionalId: string, producerId: number): Transaction {
  return {
    transactionalId,
    producerId,
    producerEpoch: -1,
    lastProducerEpoch: -1,
    timeoutMs: 0,
    state: 'Empty',
    isPending: false,
    partitions: new Map(),
    startMs: -1,
    number: 0,
  };
}

export function decided(outcome: Outcome): TransactionState {
  return outcome === 'commit' ? 'CompleteCommit' : 'CompleteAbort';
}

export function preparing(outcome: Outcome): TransactionState {
  return outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort';
}
