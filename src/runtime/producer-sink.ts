import type { Admin } from '../client/admin.ts';
import type { Producer } from '../client/producer.ts';
import type { ProducerMark } from '../client/record-accumulator.ts';
import type { Headers } from '../common/record.ts';
import type { RecordSink } from './record-sink.ts';

const LIMIT_CONFIG = 'message.timestamp.after.max.ms';

/** The producer of a stream thread as its tasks see it, with what else they want to know of the topics they write. */
export class ProducerSink implements RecordSink {
  readonly #producer: Producer;
  readonly #admin: Admin;
  readonly #timestampLimitsMs = new Map<string, number>();

  constructor(producer: Producer, admin: Admin) {
    this.#producer = producer;
    this.#admin = admin;
  }

  partitionCount(topic: string): number | undefined {
    return this.#producer.partitionCount(topic);
  }

  async prepareTopics(topics: readonly string[]): Promise<void> {
    await this.#producer.prepareTopics(topics);
    const unknown = topics.filter((topic) => !this.#timestampLimitsMs.has(topic));
    if (unknown.length === 0) return;
    const configs = await this.#admin.describeConfigs(unknown, { ifAllowed: true });
    for (const topic of unknown) {
      // Brokers before 3.6 have no such limit. Where we may not know it, the broker refuses what is beyond.
      const limit = configs.get(topic)?.get(LIMIT_CONFIG) ?? Infinity;
      this.#timestampLimitsMs.set(topic, Number(limit));
    }
  }

  timestampLimitMs(topic: string): number | undefined {
    return this.#timestampLimitsMs.get(topic);
  }

  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#producer.append(topic, partition, key, value, timestampMs, headers);
  }

  mark(): ProducerMark {
    return this.#producer.mark();
  }

  rollback(mark: ProducerMark): void {
    this.#producer.rollback(mark);
  }

  release(mark: ProducerMark): void {
    this.#producer.release(mark);
  }
}
