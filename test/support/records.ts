import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { nodeCodecs } from '../../src/adapters/compression/node-codecs.ts';
import { Admin } from '../../src/client/admin.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { partitionKey } from '../../src/common/topic-partition.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import { sharedBrokers } from './broker.ts';
import { connectClient, openFetcher } from './client.ts';

export interface InputRecord {
  readonly key: string | null;
  readonly value: string | Buffer | null;
  readonly timestampMs?: number;
  readonly partition?: number;
}

export interface OutputRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Writes records with acks from all, in order; to murmur2's partition where none is named. */
export async function produce(
  topic: string,
  records: readonly InputRecord[],
  brokers: readonly string[] = sharedBrokers(),
): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    const messages = records.map(({ key, value, timestampMs, partition }) => ({
      key,
      value,
      ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
      ...(partition === undefined ? {} : { partition }),
    }));
    for (let at = 0; at < messages.length; at += 5_000) {
      await producer.send({ topic, messages: messages.slice(at, at + 5_000) });
    }
  } finally {
    await producer.disconnect();
  }
}

/** A client of our own, on the shared broker if nothing is said, for looking at what an application has done. */
export async function withClient<T>(
  use: (admin: Admin, client: KafkaClient) => Promise<T>,
  brokers: readonly string[] = sharedBrokers(),
): Promise<T> {
  await using client = await connectClient({ bootstrap: brokers });
  return await use(new Admin(client), client);
}

/** Every committed record of a topic, by partition and offset: up to the last stable offset. */
export function readCommitted(
  topic: string,
  brokers: readonly string[] = sharedBrokers(),
): Promise<readonly OutputRecord[]> {
  return withClient(async (admin, client) => {
    const info = (await admin.describeTopics([topic])).get(topic);
    const partitions = Array.from({ length: info?.partitionCount ?? 0 }, (_, partition) => ({
      topic,
      partition,
    }));
    const starts = await admin.listOffsets(partitions, 'earliest', 'read_committed');
    const ends = await admin.listOffsets(partitions, 'latest', 'read_committed');
    const codecs = nodeCodecs();
    const fetcher = await openFetcher({ client, codecs });
    const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 26, site: { topic } });
    fetcher.assign(
      partitions.map(({ partition }) => {
        const offset = starts.get(partitionKey(topic, partition))?.offset ?? 0;
        return { topic, partition, offset };
      }),
    );
    const records: OutputRecord[] = [];
    const isDone = (): boolean =>
      partitions.every(({ partition }) => {
        const end = ends.get(partitionKey(topic, partition))?.offset ?? 0;
        return (fetcher.position(topic, partition) ?? 0) >= end;
      });
    while (!isDone()) {
      for (const { partition, batches, startOffset } of await fetcher.poll(1_000)) {
        for (const batch of batches) {
          cursor.open(batch);
          while (cursor.next()) {
            if (cursor.offset >= startOffset) records.push(readRecord(cursor, partition));
          }
        }
      }
    }
    await fetcher.close();
    return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }, brokers);
}

function readRecord(cursor: RecordCursor, partition: number): OutputRecord {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestampMs, offset } = cursor;
  const headers = cursor
    .headers()
    .map(([name, value]) => [name, Buffer.from(value ?? []).toString()]);
  return {
    key: keyStart < 0 ? null : Buffer.from(bytes.subarray(keyStart, keyEnd)).toString(),
    value: valueStart < 0 ? null : Buffer.from(bytes.subarray(valueStart, valueEnd)),
    timestampMs,
    partition,
    offset,
    headers: Object.fromEntries(headers) as Record<string, string>,
  };
}
