import { parseDuration, type Duration } from '../common/duration.ts';
import { NO_HEADERS, type Headers } from '../common/record.ts';
import type { Serdes } from '../serde/serde.ts';
import type { MemoryRecord } from './memory-records.ts';
import type { InputTopicOptions, TestInputRecord } from './test-record.ts';

/** Brings a record to its topic: to a partition, or where that is null to the one that a producer would choose. */
type PipeRecord = (record: Omit<MemoryRecord, 'offset'>, partition: number | null) => Promise<void>;

/** Writes records to one topic and lets the topology process each of them before it resolves. Made by the driver. */
export class TestInputTopic<K, V> {
  readonly topic: string;
  readonly #serdes: Serdes<K, V>;
  readonly #wallClockMs: () => number;
  readonly #pipe: PipeRecord;
  readonly #autoAdvanceMs: number;
  #timestampMs: number | null;

  constructor(
    topic: string,
    serdes: Serdes<K, V>,
    { startTimestampMs, autoAdvance = 0 }: InputTopicOptions,
    driver: {
      readonly wallClockMs: () => number;
      readonly pipe: PipeRecord;
    },
  ) {
    this.topic = topic;
    this.#serdes = serdes;
    this.#wallClockMs = driver.wallClockMs;
    this.#pipe = driver.pipe;
    this.#autoAdvanceMs = parseDuration(autoAdvance, 'autoAdvance');
    this.#timestampMs = startTimestampMs ?? (this.#autoAdvanceMs > 0 ? driver.wallClockMs() : null);
  }

  /** Resolves when all that the record leads to has happened; rejects with what stops the topology. */
  async pipe({
    key,
    value,
    timestampMs,
    headers = NO_HEADERS,
    partition,
  }: TestInputRecord<K, V>): Promise<void> {
    const record = {
      key: key === null ? null : this.#serdes.key.serialize(key, this.#site(true, headers)),
      value:
        value === null ? null : this.#serdes.value.serialize(value, this.#site(false, headers)),
      timestampMs: timestampMs ?? this.#nextTimestampMs(),
      headers,
    };
    await this.#pipe(record, partition ?? null);
  }

  async pipeAll(records: Iterable<TestInputRecord<K, V>>): Promise<void> {
    for (const record of records) await this.pipe(record);
  }

  /** Moves the time of records that come without one. */
  advanceTime(duration: Duration): void {
    const ms = parseDuration(duration, 'duration');
    this.#timestampMs = (this.#timestampMs ?? this.#wallClockMs()) + ms;
  }

  #nextTimestampMs(): number {
    if (this.#timestampMs === null) return this.#wallClockMs();
    const timestampMs = this.#timestampMs;
    this.#timestampMs += this.#autoAdvanceMs;
    return timestampMs;
  }

  #site(isKey: boolean, headers: Headers): { topic: string; isKey: boolean; headers: Headers } {
    return { topic: this.topic, isKey, headers };
  }
}
