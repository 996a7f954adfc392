import type { TopicPartition } from '../../common/topic-partition.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { addOffsetsToTxn } from '../../wire/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxn } from '../../wire/messages/add-partitions-to-txn.ts';
import { endTxn } from '../../wire/messages/end-txn.ts';
import { initProducerId } from '../../wire/messages/init-producer-id.ts';
import type { ClusterState } from './cluster-state.ts';
import { OFFSETS_TOPIC } from './group-coordinator.ts';
import { serve, type RequestContext, type ServedApi } from './handler.ts';

/** From these versions on a fenced producer is told so with a code of its own. */
const FIRST_FENCED = { initProducerId: 4, others: 2 };
/** Protocol 2. */
const FIRST_RAISING_EPOCH = 5;
const NO_PRODUCER = { producerId: -1, producerEpoch: -1 };

/** InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn and EndTxn: what a transaction's coordinator is asked. */
export function serveTransactions(cluster: ClusterState): ServedApi[] {
  const { transactions } = cluster;
  const isElsewhere = (transactionalId: string, { node }: RequestContext): boolean =>
    cluster.coordinatorOf('transaction', transactionalId).id !== node;
  return [
    serve(initProducerId, (request, context) => {
      const { transactionalId, transactionTimeoutMs, ...known } = request;
      const answer = (errorCode: number, producer = NO_PRODUCER) => ({
        throttleTimeMs: 0,
        errorCode: renamed(errorCode, context.version, FIRST_FENCED.initProducerId),
        ...producer,
      });
      if (transactionalId === null) {
        return answer(ERROR.NONE, { producerId: transactions.newProducerId(), producerEpoch: 0 });
      }
      const isHalfKnown = known.producerId < 0 !== known.producerEpoch < 0;
      if (transactionalId === '' || isHalfKnown) return answer(ERROR.INVALID_REQUEST);
      if (isElsewhere(transactionalId, context)) return answer(ERROR.NOT_COORDINATOR);
      const expected = known.producerId < 0 ? null : known;
      const { errorCode, producerId, producerEpoch } = transactions.init(
        transactionalId,
        transactionTimeoutMs,
        expected,
      );
      return answer(errorCode, { producerId, producerEpoch });
    }),
    serve(addPartitionsToTxn, (request, context) => {
      const topics = request.v3AndBelowTopics;
      const asked = topics.flatMap(({ name: topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      const missing = asked.filter(({ topic, partition }) => !exists(cluster, topic, partition));
      const id = request.v3AndBelowTransactionalId;
      const add = (): number => {
        if (isElsewhere(id, context)) return ERROR.NOT_COORDINATOR;
        const producerId = request.v3AndBelowProducerId;
        const producerEpoch = request.v3AndBelowProducerEpoch;
        return transactions.add(id, { producerId, producerEpoch }, asked);
      };
      const errorCode =
        missing.length > 0
          ? ERROR.OPERATION_NOT_ATTEMPTED
          : renamed(add(), context.version, FIRST_FENCED.others);
      const resultOf = (topic: string, partition: number): number =>
        missing.some((other) => other.topic === topic && other.partition === partition)
          ? ERROR.UNKNOWN_TOPIC_OR_PARTITION
          : errorCode;
      return {
        throttleTimeMs: 0,
        resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => ({
            partitionIndex,
            partitionErrorCode: resultOf(name, partitionIndex),
          })),
        })),
      };
    }),
    serve(addOffsetsToTxn, (request, context) => {
      const { transactionalId, groupId, ...producer } = request;
      const errorCode = isElsewhere(transactionalId, context)
        ? ERROR.NOT_COORDINATOR
        : transactions.add(transactionalId, producer, [offsetsPartition(cluster, groupId)]);
      return {
        throttleTimeMs: 0,
        errorCode: renamed(errorCode, context.version, FIRST_FENCED.others),
      };
    }),
    serve(
      endTxn,
      ({ transactionalId, committed, ...producer }, context) => {
        const outcome = committed ? 'commit' : 'abort';
        if (isElsewhere(transactionalId, context)) {
          return { throttleTimeMs: 0, errorCode: ERROR.NOT_COORDINATOR, ...NO_PRODUCER };
        }
        if (context.version >= FIRST_RAISING_EPOCH) {
          const ended = transactions.endRaisingEpoch(transactionalId, producer, outcome);
          return { throttleTimeMs: 0, ...ended };
        }
        const errorCode = transactions.endKeepingEpoch(transactionalId, producer, outcome);
        return {
          throttleTimeMs: 0,
          errorCode: renamed(errorCode, context.version, FIRST_FENCED.others),
          ...NO_PRODUCER,
        };
      },
      cluster.settings.version === '3.9' ? FIRST_RAISING_EPOCH - 1 : endTxn.maxVersion,
    ),
  ];
}

/** The partition of the offsets topic that a transaction with offsets of this group includes. */
export function offsetsPartition({ groups }: ClusterState, groupId: string): TopicPartition {
  return { topic: OFFSETS_TOPIC, partition: groups.partitionOf(groupId) };
}

function exists({ topics, groups }: ClusterState, topic: string, partition: number): boolean {
  return topic === OFFSETS_TOPIC
    ? groups.offsetsPartition(partition) !== undefined
    : topics.log(topic, partition) !== undefined;
}

/** Older versions have one code for an old epoch, whatever the reason. */
function renamed(errorCode: number, version: number, firstFenced: number): number {
  const isOld = errorCode === ERROR.PRODUCER_FENCED && version < firstFenced;
  return isOld ? ERROR.INVALID_PRODUCER_EPOCH : errorCode;
}
