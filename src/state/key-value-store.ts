/** `[from, to]`, both included, by serialized bytes; a bound left out is open. */
export interface KeyRange<K> {
  readonly from?: K;
  readonly to?: K;
}

/**
 * Reads of a key-value store. Ranges are ordered by serialized key bytes, as in Kafka Streams: not by the natural
 * order of, say, negative numbers. They are async since LevelDB iterates asynchronously; they see the task's own
 * uncommitted writes as of their first read.
 */
export interface ReadOnlyKeyValueStore<K, V> {
  readonly name: string;
  get(key: K): V | null;
  range(range?: KeyRange<K>): AsyncIterable<readonly [key: K, value: V]>;
  reverseRange(range?: KeyRange<K>): AsyncIterable<readonly [key: K, value: V]>;
  all(): AsyncIterable<readonly [key: K, value: V]>;
  /** Entries whose key bytes begin with these bytes. */
  prefixScan(prefix: Uint8Array): AsyncIterable<readonly [key: K, value: V]>;
}

/**
 * What a processor keeps by key. Values that `get` returns are the caller's own: changing one in place changes nothing
 * in the store until it is put back.
 *
 * Errors: `STREAMS_PROCESSING` for a null key, as Kafka Streams; `STREAMS_SERIALIZATION` from the serdes.
 */
export interface KeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  /** A null value deletes. */
  put(key: K, value: V | null): void;
  /** Writes only where there is no value; returns the value that was there. */
  putIfAbsent(key: K, value: V): V | null;
  /** Returns the value that was there. */
  delete(key: K): V | null;
}
