import { addOffsetsToTxn } from '../../src/wire/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxn } from '../../src/wire/messages/add-partitions-to-txn.ts';
import { createTopics } from '../../src/wire/messages/create-topics.ts';
import { describeTransactions } from '../../src/wire/messages/describe-transactions.ts';
import { endTxn, type EndTxnResponse } from '../../src/wire/messages/end-txn.ts';
import { fetch, type FetchResponse } from '../../src/wire/messages/fetch.ts';
import { initProducerId } from '../../src/wire/messages/init-producer-id.ts';
import { metadata } from '../../src/wire/messages/metadata.ts';
import { offsetFetch } from '../../src/wire/messages/offset-fetch.ts';
import { produce, type ProduceResponse } from '../../src/wire/messages/produce.ts';
import { txnOffsetCommit } from '../../src/wire/messages/txn-offset-commit.ts';
import { batchOf, type FidelityRun, type RecordSpec } from './fidelity.ts';
import { until } from './until.ts';

/** Short forms of the requests that the fidelity scripts are made of. */

export const CONCURRENT = 51;
const UNSTABLE = 88;

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A new topic whose leaders are there. */
export async function makeTopic(
  run: FidelityRun,
  short: string,
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<string> {
  const name = run.name(short);
  await run.ask(createTopics, 5, {
    topics: [
      {
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
  });
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  await until(`leaders of ${name}`, async () => {
    // A broker may know of a leader before it leads.
    const { responses } = await run.ask(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: name,
          partitions: all.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 })),
        },
      ],
    });
    const found = responses[0]?.partitions ?? [];
    return found.length === partitions && found.every(({ errorCode }) => errorCode === 0);
  });
  return name;
}

export async function topicIdOf(run: FidelityRun, name: string): Promise<string> {
  const { topics } = await run.ask(metadata, 12, { topics: [{ name }] });
  return topics[0]?.topicId ?? '';
}

/** InitProducerId until the coordinator is not busy. */
export async function initProducer(
  run: FidelityRun,
  transactionalId: string,
  { version = 4, producerId = -1, producerEpoch = -1, transactionTimeoutMs = 60_000 } = {},
): Promise<ProducerIdentity> {
  return run.settle(
    initProducerId,
    version,
    { transactionalId, transactionTimeoutMs, producerId, producerEpoch },
    // A coordinator of a new cluster is not there at once.
    ({ errorCode }) => [CONCURRENT, 14, 15, 16].includes(errorCode),
  );
}

export interface ProduceSpec extends RecordSpec {
  readonly topic: string;
  readonly partition?: number;
  readonly version?: number;
  readonly transactionalId?: string;
  readonly acks?: number;
}

export async function produceTo(
  run: FidelityRun,
  values: readonly string[],
  { topic, partition = 0, version = 11, transactionalId, acks = -1, ...spec }: ProduceSpec,
): Promise<ProduceResponse> {
  const isTransactional = spec.isTransactional ?? transactionalId !== undefined;
  const records = await batchOf(values, { ...spec, isTransactional });
  return run.send(produce, version, {
    transactionalId: transactionalId ?? null,
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
}

export async function addPartition(
  run: FidelityRun,
  transactionalId: string,
  producer: ProducerIdentity,
  topic: string,
  { partition = 0, version = 3 } = {},
): Promise<void> {
  await run.settle(
    addPartitionsToTxn,
    version,
    {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    },
    ({ resultsByTopicV3AndBelow: [first] }) =>
      first?.resultsByPartition[0]?.partitionErrorCode === CONCURRENT,
  );
}

export async function addOffsets(
  run: FidelityRun,
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  groupId: string,
  version = 3,
): Promise<void> {
  await run.settle(
    addOffsetsToTxn,
    version,
    { transactionalId, producerId, producerEpoch, groupId },
    ({ errorCode }) => errorCode === CONCURRENT,
  );
}

export interface TxnCommitSpec extends ProducerIdentity {
  readonly transactionalId: string;
  readonly groupId: string;
  readonly topic: string;
  readonly offset: number;
  readonly version?: number;
  readonly memberId?: string;
  readonly generationId?: number;
  readonly groupInstanceId?: string;
  readonly metadata?: string;
}

export async function commitInTxn(run: FidelityRun, spec: TxnCommitSpec): Promise<void> {
  const { version = 4, transactionalId, groupId, producerId, producerEpoch, topic, offset } = spec;
  const { memberId = '', generationId = -1, groupInstanceId = null, metadata: text = '' } = spec;
  await run.settle(
    txnOffsetCommit,
    version,
    {
      transactionalId,
      groupId,
      producerId,
      producerEpoch,
      ...(version >= 3 ? { memberId, generationId, groupInstanceId } : {}),
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: text }],
        },
      ],
    },
    // The coordinator of a group is not there at once, and waits for the transaction before.
    ({ topics }) => [14, 15, 16, CONCURRENT].includes(topics[0]?.partitions[0]?.errorCode ?? 0),
  );
}

/** EndTxn once; what comes later waits for the markers by itself. */
export async function endTransaction(
  run: FidelityRun,
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  committed: boolean,
  version = 4,
): Promise<EndTxnResponse> {
  const request = { transactionalId, producerId, producerEpoch, committed };
  return run.settle(endTxn, version, request, ({ errorCode }) => errorCode === CONCURRENT);
}

export async function fetchFrom(
  run: FidelityRun,
  topic: string,
  { partition = 0, offset = 0, isolation = 1, maxBytes = 1 << 20, version = 12, epoch = -1 } = {},
): Promise<FetchResponse> {
  return run.send(fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    isolationLevel: isolation,
    sessionEpoch: -1,
    topics: [
      {
        ...(version >= 13 ? { topicId: topic } : { topic }),
        partitions: [
          { partition, fetchOffset: offset, partitionMaxBytes: maxBytes, lastFetchedEpoch: epoch },
        ],
      },
    ],
  });
}

/** Waits until nothing of the partition is undecided. */
export async function untilDecided(run: FidelityRun, topic: string, partition = 0): Promise<void> {
  await until(`the markers of ${topic}`, async () => {
    const { responses } = await run.ask(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel: 1,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 }] }],
    });
    const found = responses[0]?.partitions[0];
    return found !== undefined && found.lastStableOffset === found.highWatermark;
  });
}

/** Waits until the transaction of the id has all its markers. */
export async function untilComplete(run: FidelityRun, transactionalId: string): Promise<void> {
  await until(`the end of the transaction of ${transactionalId}`, async () => {
    const request = { transactionalIds: [transactionalId] };
    const { transactionStates } = await run.ask(describeTransactions, 0, request);
    return transactionStates[0]?.transactionState.startsWith('Complete') === true;
  });
}

export async function committedOffset(
  run: FidelityRun,
  groupId: string,
  topic: string,
  { version = 7, requireStable = true, waits = false } = {},
): Promise<void> {
  const topics = [{ name: topic, partitionIndexes: [0] }];
  const request =
    version >= 8
      ? { groups: [{ groupId, topics }], requireStable }
      : { groupId, topics, requireStable };
  await run.settle(
    offsetFetch,
    version,
    request,
    ({ topics: [first], groups: [group], errorCode }) => {
      const code =
        first?.partitions[0]?.errorCode ?? group?.topics[0]?.partitions[0]?.errorCode ?? 0;
      const isLoading =
        [14, 15, 16].includes(errorCode) || [14, 15, 16].includes(group?.errorCode ?? 0);
      return isLoading || (waits && code === UNSTABLE);
    },
  );
}
