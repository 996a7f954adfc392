/** One version of a row. */
export interface VersionedRecord<V> {
  readonly value: V;
  /** Valid from here… */
  readonly timestampMs: number;
  /** …until before this; null for the latest version. */
  readonly validToMs: number | null;
}

/**
 * What `put` found:
 *
 *     'latest'     the row is the latest version now
 *     'rejected'   it is older than the history retention: nothing was written
 *     a number     a later version is there: the row is valid until before that time
 */
export type VersionedPut = 'latest' | 'rejected' | number;

/**
 * A key-value store that keeps old versions of each row for a time (KIP-889): what a table held at some point of event
 * time. The latest version of a key never expires. Never caches. All of it is synchronous.
 *
 * Operators and processors share this face. Values are the caller's own.
 *
 * Errors: as `KeyValueStore`; `STREAMS_PROCESSING` for a timestamp that is no whole number from 0.
 * Source: `org.apache.kafka.streams.state.VersionedKeyValueStore`, `RocksDBVersionedStore`.
 */
export interface VersionedKeyValueStore<K, V> {
  readonly name: string;
  /** The latest version; null where there is none or the latest is a deletion. */
  get(key: K): VersionedRecord<V> | null;
  /** The version that was valid at a time; null where none was, or it is older than the history retention. */
  getAsOf(key: K, asOfMs: number): VersionedRecord<V> | null;
  /** Adds a version; a null value is a deletion at that time. */
  put(key: K, value: V | null, timestampMs: number): VersionedPut;
  /** Puts null, and returns the version that was valid at that time, as `getAsOf`. */
  delete(key: K, timestampMs: number): VersionedRecord<V> | null;
}
