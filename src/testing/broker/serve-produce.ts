import type { Complete } from '../../wire/api.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import {
  produce,
  type ProduceRequest,
  type ProduceRequestPartitionProduceData,
  type ProduceResponsePartitionProduceResponse,
} from '../../wire/messages/produce.ts';
import { BATCH_HEADER_BYTES, RecordBatch } from '../../wire/record-batch.ts';
import type { ClusterState } from './cluster-state.ts';
import { serve, type RequestContext, type ServedApi } from './handler.ts';
import { NOT_APPENDED, type AppendResult, type PartitionLog } from './partition-log.ts';

/** Protocol 2: the first batch adds its partition to the transaction. */
const FIRST_THAT_ADDS = 12;
const FIRST_WITH_ABORTABLE = 11;
const NO_LEADER = { leaderId: -1, leaderEpoch: -1 };

/** Produce: one batch for each partition. */
export function serveProduce(cluster: ClusterState): ServedApi {
  const maxVersion = cluster.settings.version === '3.9' ? FIRST_THAT_ADDS - 1 : produce.maxVersion;
  return serve(
    produce,
    async (request, context) => {
      const responses = await Promise.all(
        request.topicData.map(async ({ name, partitionData }) => ({
          name,
          partitionResponses: await Promise.all(
            partitionData.map((data) => producePartition(cluster, request, name, data, context)),
          ),
        })),
      );
      return request.acks === 0 ? null : { responses, throttleTimeMs: 0, nodeEndpoints: [] };
    },
    maxVersion,
  );
}

async function producePartition(
  cluster: ClusterState,
  request: Complete<ProduceRequest>,
  topic: string,
  { index, records }: ProduceRequestPartitionProduceData,
  context: RequestContext,
): Promise<ProduceResponsePartitionProduceResponse> {
  const log = cluster.topics.log(topic, index);
  const refuse = (errorCode: number): AppendResult => ({ ...NOT_APPENDED, errorCode });
  const append = async (): Promise<AppendResult> => {
    if (![-1, 0, 1].includes(request.acks)) return refuse(ERROR.INVALID_REQUIRED_ACKS);
    if (log === undefined) return refuse(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
    if (log.leader !== context.node) return refuse(ERROR.NOT_LEADER_OR_FOLLOWER);
    const batch = headerOf(records);
    if (records === null || batch === null) return refuse(ERROR.INVALID_RECORD);
    const isTransactional = batch.isTransactional && batch.producerId >= 0;
    if (batch.isTransactional && request.transactionalId === null) {
      return refuse(ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    if (isTransactional) {
      const id = request.transactionalId ?? '';
      const errorCode = await joinTransaction(cluster, id, log, batch, request, context);
      if (errorCode !== ERROR.NONE) return refuse(errorCode);
    }
    return log.append(records, isTransactional && context.version >= FIRST_THAT_ADDS);
  };
  const { recordErrors, ...result } = await append();
  return {
    index,
    ...result,
    recordErrors: recordErrors.map(({ index: batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    })),
    errorMessage: null,
    currentLeader: NO_LEADER,
  };
}

/**
 * Asks the coordinator whether the partition is in the transaction, unless the producer has begun it there already. On
 * protocol 2 the coordinator adds it, and the broker holds the request while it is still busy with the last transaction.
 */
async function joinTransaction(
  cluster: ClusterState,
  transactionalId: string,
  log: PartitionLog,
  batch: RecordBatch,
  { timeoutMs }: Complete<ProduceRequest>,
  { version }: RequestContext,
): Promise<number> {
  const { transactions, timers } = cluster;
  const { producerId, producerEpoch } = batch;
  if (log.producers.hasOpenTransaction(producerId, producerEpoch)) return ERROR.NONE;
  log.producers.noteVerification(batch);
  const producer = { producerId, producerEpoch };
  if (version < FIRST_THAT_ADDS) {
    return translate(transactions.verify(transactionalId, producer, log), version);
  }
  const deadlineMs = timers.clock.monotonicMs() + timeoutMs;
  for (;;) {
    const errorCode = transactions.add(transactionalId, producer, [
      { topic: log.topic, partition: log.partition },
    ]);
    const leftMs = deadlineMs - timers.clock.monotonicMs();
    if (errorCode !== ERROR.CONCURRENT_TRANSACTIONS || leftMs <= 0) {
      return translate(errorCode, version);
    }
    await Promise.race([transactions.nextSettled(), timers.wait(leftMs)]);
  }
}

/** What a producer of this version is told of the coordinator's answer. */
function translate(errorCode: number, version: number): number {
  switch (errorCode) {
    case ERROR.PRODUCER_FENCED:
      return ERROR.INVALID_PRODUCER_EPOCH;
    case ERROR.TRANSACTION_ABORTABLE:
      return version < FIRST_WITH_ABORTABLE ? ERROR.INVALID_TXN_STATE : errorCode;
    case ERROR.CONCURRENT_TRANSACTIONS:
      return version < FIRST_THAT_ADDS ? ERROR.NOT_ENOUGH_REPLICAS : errorCode;
    default:
      return errorCode;
  }
}

/** The header alone: what is behind it is checked when the batch is appended. */
function headerOf(records: Uint8Array | null): RecordBatch | null {
  if (records === null || records.length < BATCH_HEADER_BYTES) return null;
  return new RecordBatch(records, 0, records.length);
}
