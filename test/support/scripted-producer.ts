import { Producer, type ProducerOptions } from '../../src/client/producer.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { crc32c } from '../../src/wire/crc32c.ts';
import { CompressionCodecs } from '../../src/wire/compression.ts';
import * as messages from '../../src/wire/messages/index.ts';
import { readRecordBatch } from '../../src/wire/record-batch.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

/** A batch as the broker got it. */
export interface ReceivedBatch {
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly isTransactional: boolean;
  readonly values: readonly string[];
}

export interface ProducerScene {
  readonly cluster: ScriptedCluster;
  readonly client: KafkaClient;
  readonly producer: Producer;
  /** Every batch of every Produce request, refused ones included. */
  readonly received: ReceivedBatch[];
  /** Epochs of InitProducerId and EndTxn requests. */
  readonly ends: string[];
  append(value: string, partition?: number): void;
  /** Flush, offsets, commit. */
  commit(): Promise<void>;
}

const MEMBER = { groupId: 'group', memberId: 'm', generationId: 3, groupInstanceId: null };
export const codecs = new CompressionCodecs();

/** A transactional producer (unless told otherwise) on a cluster that takes everything; topic `out`, two partitions. */
export async function producerScene(
  setUp: (cluster: ScriptedCluster) => void = () => undefined,
  options: Partial<ProducerOptions> = {},
): Promise<ProducerScene> {
  const cluster = new ScriptedCluster().addTopic('out', 2);
  cluster.time.jumps = true;
  const received: ReceivedBatch[] = [];
  const ends: string[] = [];
  let epoch = -1;
  const endOffsets = new Map<number, number>();
  cluster
    .on(messages.initProducerId, ({ request }) => {
      ends.push(`init ${request.producerId} ${request.producerEpoch}`);
      epoch++;
      return { throttleTimeMs: 0, errorCode: 0, producerId: 7, producerEpoch: epoch };
    })
    .on(messages.addPartitionsToTxn, ({ request }) => ({
      throttleTimeMs: 0,
      resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: 0,
        })),
      })),
    }))
    .on(messages.addOffsetsToTxn, () => ({ throttleTimeMs: 0, errorCode: 0 }))
    .on(messages.txnOffsetCommit, ({ request }) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
      })),
    }))
    .on(messages.endTxn, ({ request, version }) => {
      ends.push(`${request.committed ? 'commit' : 'abort'} ${request.producerEpoch}`);
      if (version >= 5) epoch++;
      return { throttleTimeMs: 0, errorCode: 0, producerId: 7, producerEpoch: epoch };
    })
    .on(messages.produce, ({ request }) => ({
      throttleTimeMs: 0,
      nodeEndpoints: [],
      responses: request.topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index, records }) => {
          const batch = receive(index, records ?? new Uint8Array(0));
          received.push(batch);
          const baseOffset = endOffsets.get(index) ?? 0;
          endOffsets.set(index, baseOffset + batch.values.length);
          return {
            index,
            errorCode: 0,
            baseOffset,
            logAppendTimeMs: -1,
            logStartOffset: 0,
            recordErrors: [],
            errorMessage: null,
            currentLeader: { leaderId: -1, leaderEpoch: -1 },
          };
        }),
      })),
    }));
  setUp(cluster);
  const client = await cluster.connectClient();
  const producer = await Producer.create({
    client,
    transactionalId: 'id',
    codecs,
    crc32c,
    ...options,
  });
  await producer.prepareTopics(['out']);
  await producer.initTransactions();
  return {
    cluster,
    client,
    producer,
    received,
    ends,
    append(value, partition = 0) {
      producer.append('out', partition, null, Buffer.from(value), 1_000, []);
    },
    async commit() {
      await producer.flush();
      await producer.sendOffsets([{ topic: 'in', partition: 0, offset: 1, metadata: '' }], MEMBER);
      await producer.commitTransaction();
    },
  };
}

function receive(partition: number, records: Uint8Array): ReceivedBatch {
  const batch = readRecordBatch(records, 0, { crc32c, site: {} });
  if (batch === null) throw new Error('no whole batch');
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 20, site: {} });
  const values: string[] = [];
  cursor.open(batch);
  while (cursor.next()) {
    values.push(Buffer.from(cursor.bytes.slice(cursor.valueStart, cursor.valueEnd)).toString());
  }
  return {
    partition,
    epoch: batch.producerEpoch,
    sequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    values,
  };
}

/** Changes the answer for every partition of a Produce request. */
export function refuseProduce(
  errorCode: number,
  recordIndexes: readonly number[] = [],
): (usual: messages.ProduceResponse) => messages.ProduceResponse {
  return (usual) => ({
    ...usual,
    responses: usual.responses.map((topic) => ({
      ...topic,
      partitionResponses: topic.partitionResponses.map((partition) => ({
        ...partition,
        errorCode,
        baseOffset: -1,
        recordErrors: recordIndexes.map((batchIndex) => ({
          batchIndex,
          batchIndexErrorMessage: 'no',
        })),
      })),
    })),
  });
}
