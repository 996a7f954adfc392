import type { Headers, StreamRecord } from '../common/record.ts';

/**
 * A record whose key stays as it is: what fixed-key processors get and forward. It is made from the record that was
 * read, and only `with…` makes others, so that no key can end up in a partition where it does not belong.
 *
 * Source: `org.apache.kafka.streams.processor.api.FixedKeyRecord`.
 */
export class FixedKeyRecord<K, V> {
  readonly #record: StreamRecord<K, V>;

  /** Only the library itself makes these; in a test, use `MockFixedKeyProcessorContext.record`. */
  constructor(record: StreamRecord<K, V>) {
    this.#record = record;
  }

  /** The record with its key open again, for nodes that may change it. */
  static open<K, V>(record: FixedKeyRecord<K, V>): StreamRecord<K, V> {
    return record.#record;
  }

  get key(): K {
    return this.#record.key;
  }

  get value(): V {
    return this.#record.value;
  }

  get timestampMs(): number {
    return this.#record.timestampMs;
  }

  get headers(): Headers {
    return this.#record.headers;
  }

  withValue<V2>(value: V2): FixedKeyRecord<K, V2> {
    return new FixedKeyRecord(this.#record.withValue(value));
  }

  withTimestamp(timestampMs: number): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(this.#record.withTimestamp(timestampMs));
  }

  withHeaders(headers: Headers): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(this.#record.withHeaders(headers));
  }
}
