/** Header names may repeat, so headers are a list of pairs in the order of the wire, never a map. */
export type Headers = readonly (readonly [name: string, value: Uint8Array | null])[];

export const NO_HEADERS: Headers = [];

/**
 * A record on its way through a topology.
 *
 * Immutable: the `with…` methods copy. One record object is handed to every child of a node, and its value is shared
 * by sibling branches, as in Kafka Streams. A class, since copying with spread takes thirty times as long.
 */
export class StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Milliseconds since the epoch; negative only before a timestamp extractor has seen it. */
  readonly timestampMs: number;
  readonly headers: Headers;

  constructor(key: K, value: V, timestampMs: number, headers: Headers = NO_HEADERS) {
    this.key = key;
    this.value = value;
    this.timestampMs = timestampMs;
    this.headers = headers;
  }

  withKey<K2>(key: K2): StreamRecord<K2, V> {
    return new StreamRecord(key, this.value, this.timestampMs, this.headers);
  }

  withValue<V2>(value: V2): StreamRecord<K, V2> {
    return new StreamRecord(this.key, value, this.timestampMs, this.headers);
  }

  withTimestamp(timestampMs: number): StreamRecord<K, V> {
    return new StreamRecord(this.key, this.value, timestampMs, this.headers);
  }

  withHeaders(headers: Headers): StreamRecord<K, V> {
    return new StreamRecord(this.key, this.value, this.timestampMs, headers);
  }
}
