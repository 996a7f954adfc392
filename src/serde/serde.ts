import type { Headers } from '../common/record.ts';

/** Where bytes come from or go to; schema registries name their subjects by it. */
export interface SerdeSite {
  /** The topic; for a store, its changelog topic, whether it has one or not. */
  readonly topic: string;
  readonly isKey: boolean;
  readonly headers: Headers;
}

/**
 * How a type is written as bytes and read back. `null` never reaches a serde: a null key or value has no bytes.
 *
 * `serialize` returns bytes that the caller may keep: a fresh array, or one that is never written again.
 * `deserialize` gets bytes that may be reused after it returns, so what it returns must not refer to them.
 * Both throw on what they cannot handle; the caller adds topic, partition and offset.
 */
export interface Serde<T> {
  serialize(value: T, site: SerdeSite): Uint8Array;
  deserialize(bytes: Uint8Array, site: SerdeSite): T;
  /**
   * Reads from a part of a larger buffer: saves a view for each record. Same result as `deserialize`.
   * The buffer is written again afterwards: whoever returns a view of it returns other bytes a moment later.
   */
  deserializeAt?(buffer: Uint8Array, start: number, end: number, site: SerdeSite): T;
  /**
   * True where values cannot be changed in place (strings, numbers): then stores and caches hand out the value they
   * hold instead of reading a new one from bytes.
   */
  readonly immutable?: boolean;
  /**
   * A primitive that is equal for two values exactly if their bytes are. Lets caches find an entry without
   * serializing the key. Returns undefined for a value it cannot speak for.
   */
  identity?(value: T): string | number | bigint | boolean | undefined;
}

/** The serdes of a topic's or a store's keys and values. */
export interface Serdes<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}
