import { StreamsError } from '../common/errors.ts';
import type { Serde, Serdes } from '../serde/serde.ts';
import type { MemoryRecord } from './memory-records.ts';
import type { ProducedRecord } from './memory-topics.ts';
import type { TestRecord } from './test-record.ts';

/**
 * Reads what the topology has written to one topic, each record once. Made by the driver; readers of the same topic share
 * its records.
 *
 * Errors: `STREAMS_PROCESSING` when a record is asked for and there is none.
 */
export class TestOutputTopic<K, V> {
  readonly topic: string;
  readonly #serdes: Serdes<K, V>;
  readonly #unread: ProducedRecord[];
  /** Null: all of them. */
  readonly #partition: number | null;

  constructor(
    topic: string,
    serdes: Serdes<K, V>,
    unread: ProducedRecord[],
    partition: number | null,
  ) {
    this.topic = topic;
    this.#serdes = serdes;
    this.#unread = unread;
    this.#partition = partition;
  }

  /** How many are left to read. */
  get size(): number {
    return this.#unread.filter((produced) => this.#isOurs(produced)).length;
  }

  get isEmpty(): boolean {
    return !this.#unread.some((produced) => this.#isOurs(produced));
  }

  readRecord(): TestRecord<K, V> {
    const next = this.#unread.findIndex((produced) => this.#isOurs(produced));
    const [produced] = next === -1 ? [] : this.#unread.splice(next, 1);
    if (produced !== undefined) return this.#decode(produced.record);
    throw new StreamsError(
      'STREAMS_PROCESSING',
      'there is no record left to read: the topology has written fewer than the test expects',
      { site: { topic: this.topic } },
    );
  }

  /** All that are left. */
  readRecords(): readonly TestRecord<K, V>[] {
    const ours = this.#unread.filter((produced) => this.#isOurs(produced));
    const others = this.#unread.filter((produced) => !this.#isOurs(produced));
    this.#unread.splice(0, this.#unread.length, ...others);
    return ours.map(({ record }) => this.#decode(record));
  }

  readKeyValue(): readonly [key: K, value: V] {
    const { key, value } = this.readRecord();
    return [key, value];
  }

  readKeyValues(): readonly (readonly [key: K, value: V])[] {
    return this.readRecords().map(({ key, value }) => [key, value] as const);
  }

  /** The last value of each key. Keys that are objects are told apart by identity: read those as a list. */
  readKeyValuesToMap(): ReadonlyMap<K, V> {
    return new Map(this.readKeyValues());
  }

  #isOurs({ partition }: ProducedRecord): boolean {
    return this.#partition === null || partition === this.#partition;
  }

  #decode({ key, value, timestampMs, headers }: MemoryRecord): TestRecord<K, V> {
    const decode = <T>(serde: Serde<T>, bytes: Uint8Array | null, isKey: boolean): T =>
      // A topic can hold null keys and values, whatever its type says.
      bytes === null
        ? (null as T)
        : serde.deserialize(bytes, { topic: this.topic, isKey, headers });
    return {
      key: decode(this.#serdes.key, key, true),
      value: decode(this.#serdes.value, value, false),
      timestampMs,
      headers,
    };
  }
}
