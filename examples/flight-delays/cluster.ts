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
import type { Crc32c } from '../../src/wire/crc32c.ts';
import { OutputWatch } from './output-watch.ts';

export const PARTITIONS = 4;
const KEEP_FOREVER = { 'retention.ms': '-1' };
const ADMIN_DEADLINE_MS = 30_000;

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
    const ends = await this.#ends(topic, 'read_uncommitted');
    const fetcher = new Fetcher({
      client: this.#client,
      isolation: 'read_committed',
      lane: 'fetch',
      crc32c: this.#crc32c,
      codecs: nodeCodecs(),
    });
    const partitions = partitionsOf(topic);
    fetcher.assign(partitions.map((at) => ({ ...at, offset: ends[at.partition] ?? 0 })));
    return new OutputWatch(fetcher);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
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
