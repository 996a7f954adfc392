import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCodecs } from '../src/adapters/compression/node-codecs.ts';
import { loadCrc32c } from '../src/adapters/crc/load-crc32c.ts';
import { KafkaJsTransport } from '../src/adapters/kafkajs/transport.ts';
import { systemClock, systemRandom, systemTimers } from '../src/adapters/node/clock.ts';
import { Admin } from '../src/client/admin.ts';
import { fetchCommitted } from '../src/client/committed-offsets.ts';
import { Fetcher } from '../src/client/fetcher.ts';
import { KafkaClient } from '../src/client/kafka-client.ts';
import { Producer } from '../src/client/producer.ts';
import { partitionKey, type TopicPartition } from '../src/common/topic-partition.ts';
import { SILENT_LOGGER } from '../src/observability/logger.ts';
import type { Crc32c } from '../src/wire/crc32c.ts';
import { metadata } from '../src/wire/messages/metadata.ts';
import { RecordCursor } from '../src/wire/record-cursor.ts';
import { PARTITIONS } from './data/workloads.ts';

const CLIENT_ID = 'bench';
const ADMIN_DEADLINE_MS = 60_000;
const READ_STALL_MS = 60_000;
const POLL_MS = 500;
const MAX_BATCH_BYTES = 16 << 20;
/** As the comparison wants every topic: nothing is deleted while it is measured, though event times lie years back. */
const TOPIC_CONFIG = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
} as const;

export type OnRecord = (
  key: Uint8Array | null,
  value: Uint8Array | null,
  timestampMs: number,
  partition: number,
) => void;

/** What the benchmark asks of the cluster beside the application that it measures: topics, offsets, records. */
export class Cluster implements AsyncDisposable {
  readonly #client: KafkaClient;
  readonly #admin: Admin;
  readonly #crc32c: Crc32c;

  private constructor(client: KafkaClient, crc32c: Crc32c) {
    this.#client = client;
    this.#admin = new Admin(client);
    this.#crc32c = crc32c;
  }

  static async connect(brokers: readonly string[]): Promise<Cluster> {
    const client = await KafkaClient.connect({
      transport: new KafkaJsTransport({ clientId: CLIENT_ID }),
      brokers: brokers.map((address) => {
        const colon = address.lastIndexOf(':');
        return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
      }),
      clientId: CLIENT_ID,
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      logger: SILENT_LOGGER,
    });
    return new Cluster(client, await loadCrc32c());
  }

  /** Throws if the topic exists. */
  async createTopic(name: string, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const topic = {
      name,
      partitions: PARTITIONS,
      replicationFactor: -1,
      config: { ...TOPIC_CONFIG, ...config },
    };
    const made = await this.#admin.createTopics([topic], { timeoutMs: ADMIN_DEADLINE_MS });
    if (made.get(name) === 'exists') throw new Error(`topic ${name} exists already`);
  }

  async topics(): Promise<readonly string[]> {
    const all = { topics: null, allowAutoTopicCreation: false };
    const { response } = await this.#client.send({ any: true }, 'admin', metadata, all);
    return response.topics.map(({ name }) => name ?? '');
  }

  /** Resolves when the cluster has forgotten them. */
  async deleteTopics(isMeant: (name: string) => boolean): Promise<void> {
    const meant = (await this.topics()).filter(isMeant);
    if (meant.length === 0) return;
    await this.#admin.deleteTopics(meant);
    while ((await this.topics()).some((name) => meant.includes(name))) await sleep(50);
  }

  async producer(): Promise<Producer> {
    const producer = await Producer.create({
      client: this.#client,
      transactionalId: null,
      crc32c: this.#crc32c,
      codecs: nodeCodecs(),
    });
    await producer.initTransactions();
    return producer;
  }

  /** The end of each partition as a read_committed consumer sees it. */
  async ends(topic: string): Promise<readonly number[]> {
    const partitions = await this.#partitions(topic);
    const listed = await this.#admin.listOffsets(partitions, 'latest', 'read_committed');
    return partitions.map(
      ({ partition }) => listed.get(partitionKey(topic, partition))?.offset ?? 0,
    );
  }

  /** What a group has committed of each partition, 0 where nothing. */
  async committed(group: string, topic: string): Promise<readonly number[]> {
    const partitions = await this.#partitions(topic);
    const offsets = await fetchCommitted(this.#client, group, partitions, {
      requireStable: false,
      deadlineMs: ADMIN_DEADLINE_MS,
    });
    return partitions.map(
      ({ partition }) => offsets.get(partitionKey(topic, partition))?.offset ?? 0,
    );
  }

  async hasMembers(group: string): Promise<boolean> {
    return (await this.#admin.describeGroup(group)).members.length > 0;
  }

  /** Every committed record of a topic, those of a partition in their order. The bytes are only lent. */
  async readAll(topic: string, onRecord: OnRecord): Promise<void> {
    const ends = await this.ends(topic);
    await this.#read(topic, onRecord, (reader) =>
      ends.every((end, partition) => (reader.position(topic, partition) ?? 0) >= end),
    );
  }

  /** As `readAll`, and on with what is committed later, until the signal. */
  async follow(topic: string, onRecord: OnRecord, signal: AbortSignal): Promise<void> {
    await this.#read(topic, onRecord, () => signal.aborted);
  }

  async #read(
    topic: string,
    onRecord: OnRecord,
    isDone: (reader: Fetcher) => boolean,
  ): Promise<void> {
    const reader = new Fetcher({
      client: this.#client,
      isolation: 'read_committed',
      lane: 'fetch',
      crc32c: this.#crc32c,
      codecs: nodeCodecs(),
    });
    const cursor = new RecordCursor({
      codecs: nodeCodecs(),
      maxDecompressedBytes: MAX_BATCH_BYTES,
      site: { topic },
    });
    reader.assign((await this.#partitions(topic)).map((place) => ({ ...place, offset: 0 })));
    try {
      let progressMs = performance.now();
      while (!isDone(reader)) {
        for (const { batches, partition } of await reader.poll(POLL_MS)) {
          progressMs = performance.now();
          for (const batch of batches) {
            cursor.open(batch);
            while (cursor.next()) {
              const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
              const key = keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd);
              const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
              onRecord(key, value, timestampMs, partition);
            }
          }
        }
        if (performance.now() - progressMs > READ_STALL_MS) {
          throw new Error(`reading ${topic} has made no progress for ${READ_STALL_MS / 1000} s`);
        }
      }
    } finally {
      await reader.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  async #partitions(topic: string): Promise<readonly TopicPartition[]> {
    const count = (await this.#admin.describeTopics([topic])).get(topic)?.partitionCount ?? 0;
    return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  }
}

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
