import { nodeCodecs } from '../../src/adapters/compression/node-codecs.ts';
import { loadCrc32c } from '../../src/adapters/crc/load-crc32c.ts';
import { KafkaJsTransport } from '../../src/adapters/kafkajs/transport.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/adapters/node/clock.ts';
import { Admin } from '../../src/client/admin.ts';
import { fetchCommitted } from '../../src/client/committed-offsets.ts';
import { Fetcher } from '../../src/client/fetcher.ts';
import { KafkaClient } from '../../src/client/kafka-client.ts';
import { Producer } from '../../src/client/producer.ts';
import { partitionKey, type TopicPartition } from '../../src/common/topic-partition.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';
import { metadata } from '../../src/wire/messages/metadata.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import type { Crc32c } from '../../src/wire/crc32c.ts';
import { OutputWatch } from './output-watch.ts';
import { until } from './wait.ts';

export const PARTITIONS = 4;
const KEEP_FOREVER = { 'retention.ms': '-1' };
const ADMIN_DEADLINE_MS = 30_000;
const READ_DEADLINE_MS = 60_000;
const POLL_MS = 500;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

type Isolation = 'read_committed' | 'read_uncommitted';

/** What the demo asks of the cluster from outside, beside the application: topics, offsets, records. */
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
    const clientId = 'flight-delays-demo';
    const client = await KafkaClient.connect({
      transport: new KafkaJsTransport({ clientId }),
      brokers: brokers.map((address) => {
        const colon = address.lastIndexOf(':');
        return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
      }),
      clientId,
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      logger: SILENT_LOGGER,
    });
    return new Cluster(client, await loadCrc32c());
  }

  /** Topics of 4 partitions that keep what is years old. */
  async createTopics(...names: readonly string[]): Promise<void> {
    const topics = names.map((name) => ({
      name,
      partitions: PARTITIONS,
      replicationFactor: -1,
      config: KEEP_FOREVER,
    }));
    const made = await this.#admin.createTopics(topics, { timeoutMs: ADMIN_DEADLINE_MS });
    for (const [name, result] of made) {
      if (result === 'exists') {
        throw new Error(`topic ${name} exists already: the demo starts with new ones`);
      }
    }
  }

  /** Deletes every topic whose name begins like this, the internal ones of the application included. */
  async deleteTopicsOf(prefix: string): Promise<void> {
    const all = { topics: null, allowAutoTopicCreation: false };
    const { response } = await this.#client.send({ any: true }, 'admin', metadata, all);
    const names = response.topics.map(({ name }) => name ?? '');
    await this.#admin.deleteTopics(names.filter((name) => name.startsWith(prefix)));
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

  /** How many records of a topic a group has processed and committed. */
  async committed(group: string, topic: string): Promise<number> {
    const offsets = await fetchCommitted(this.#client, group, partitionsOf(topic), {
      requireStable: false,
      deadlineMs: ADMIN_DEADLINE_MS,
    });
    return [...offsets.values()].reduce((sum, committed) => sum + (committed?.offset ?? 0), 0);
  }

  /** True while the end of what is decided lies before the end of what is written. */
  async hasOpenTransaction(topic: string): Promise<boolean> {
    const [decided, written] = await Promise.all([
      this.#ends(topic, 'read_committed'),
      this.#ends(topic, 'read_uncommitted'),
    ]);
    return written.some((end, partition) => end > (decided[partition] ?? 0));
  }

  /** Looks for what is committed to a topic after all that has been written so far, decided or not. */
  async watch(topic: string): Promise<OutputWatch> {
    return new OutputWatch(this.#reader(topic, await this.#ends(topic, 'read_uncommitted')));
  }

  /** Every committed record of a topic, those of a partition in their order, as text. */
  async readCommitted(
    topic: string,
    onRecord: (key: string, value: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const ends = await this.#ends(topic, 'read_committed');
    const reader = this.#reader(
      topic,
      ends.map(() => 0),
    );
    const cursor = new RecordCursor({
      codecs: nodeCodecs(),
      maxDecompressedBytes: MAX_BATCH_BYTES,
      site: { topic },
    });
    try {
      await until(
        `the records of ${topic}`,
        async () => {
          for (const { batches } of await reader.poll(POLL_MS, signal)) {
            for (const batch of batches) {
              cursor.open(batch);
              while (cursor.next()) {
                const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
                onRecord(textOf(bytes, keyStart, keyEnd), textOf(bytes, valueStart, valueEnd));
              }
            }
          }
          const isDone = ends.every((end, at) => (reader.position(topic, at) ?? 0) >= end);
          return isDone || undefined;
        },
        { deadlineMs: READ_DEADLINE_MS, everyMs: 0, signal },
      );
    } finally {
      await reader.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  #reader(topic: string, offsets: readonly number[]): Fetcher {
    const reader = new Fetcher({
      client: this.#client,
      isolation: 'read_committed',
      lane: 'fetch',
      crc32c: this.#crc32c,
      codecs: nodeCodecs(),
    });
    reader.assign(partitionsOf(topic).map((at) => ({ ...at, offset: offsets[at.partition] ?? 0 })));
    return reader;
  }

  async #ends(topic: string, isolation: Isolation): Promise<readonly number[]> {
    const partitions = partitionsOf(topic);
    const listed = await this.#admin.listOffsets(partitions, 'latest', isolation);
    return partitions.map(
      ({ partition }) => listed.get(partitionKey(topic, partition))?.offset ?? 0,
    );
  }
}

function partitionsOf(topic: string): readonly TopicPartition[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}
