import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { describeProducers } from '../../wire/messages/describe-producers.ts';
import { describeTransactions } from '../../wire/messages/describe-transactions.ts';
import { listTransactions } from '../../wire/messages/list-transactions.ts';
import type { ClusterState } from './cluster-state.ts';
import { serve, type ServedApi } from './handler.ts';
import type { TransactionState } from './transaction.ts';

const STATES: readonly string[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
];

/** DescribeProducers, DescribeTransactions and ListTransactions: what is open, and whose it is. */
export function serveInspection(cluster: ClusterState): ServedApi[] {
  const { topics, transactions, timers } = cluster;
  return [
    serve(describeProducers, (request) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => {
          const log = topics.log(name, partitionIndex);
          return {
            partitionIndex,
            errorCode: log === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE,
            errorMessage: null,
            activeProducers: [...(log?.producers.all() ?? [])].map((state) => ({
              producerId: state.producerId,
              producerEpoch: state.epoch,
              lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
              lastTimestamp: state.lastTimestampMs,
              coordinatorEpoch: state.coordinatorEpoch,
              currentTxnStartOffset: state.transactionStart ?? -1,
            })),
          };
        }),
      })),
    })),
    serve(describeTransactions, ({ transactionalIds }, { node }) => ({
      throttleTimeMs: 0,
      transactionStates: transactionalIds.map((transactionalId) => {
        const txn = transactions.get(transactionalId);
        const isHere = cluster.coordinatorOf('transaction', transactionalId).id === node;
        const missing = isHere ? ERROR.TRANSACTIONAL_ID_NOT_FOUND : ERROR.NOT_COORDINATOR;
        if (!isHere || txn === undefined) return unknownTransaction(transactionalId, missing);
        const partitions = new Map<string, number[]>();
        for (const { topic, partition } of txn.partitions.values()) {
          partitions.set(topic, [...(partitions.get(topic) ?? []), partition]);
        }
        return {
          errorCode: ERROR.NONE,
          transactionalId,
          transactionState: txn.state,
          transactionTimeoutMs: txn.timeoutMs,
          transactionStartTimeMs: txn.startMs,
          producerId: txn.producerId,
          producerEpoch: txn.producerEpoch,
          topics: [...partitions].map(([topic, numbers]) => ({ topic, partitions: numbers })),
        };
      }),
    })),
    serve(listTransactions, ({ stateFilters, producerIdFilters, durationFilter }, { node }) => ({
      throttleTimeMs: 0,
      errorCode: ERROR.NONE,
      unknownStateFilters: stateFilters.filter((state) => !STATES.includes(state)),
      transactionStates: transactions
        .all()
        .filter(({ transactionalId, state, producerId, startMs }) => {
          const ageMs = timers.clock.nowMs() - startMs;
          return (
            cluster.coordinatorOf('transaction', transactionalId).id === node &&
            (stateFilters.length === 0 || stateFilters.includes(state)) &&
            (producerIdFilters.length === 0 || producerIdFilters.includes(producerId)) &&
            (durationFilter < 0 || (state === 'Ongoing' && ageMs > durationFilter))
          );
        })
        .map(({ transactionalId, producerId, state }) => ({
          transactionalId,
          producerId,
          transactionState: state,
        })),
    })),
  ];
}

function unknownTransaction(transactionalId: string, errorCode: number) {
  const transactionState: TransactionState | '' = '';
  return {
    errorCode,
    transactionalId,
    transactionState,
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}
