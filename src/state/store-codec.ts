import { isStreamsError, StreamsError, type ErrorCode } from '../common/errors.ts';
import { NO_HEADERS } from '../common/record.ts';
import type { Serdes, SerdeSite } from '../serde/serde.ts';

/**
 * Keys and values of one store to bytes and back. Serdes are told the changelog topic.
 *
 * Errors: `STREAMS_SERIALIZATION` and, since bytes of our own that cannot be read mean that the serde changed,
 * `STREAMS_DESERIALIZATION`, both naming the store; `STREAMS_PROCESSING` for a null key.
 */
export class StoreCodec<K, V> {
  readonly keySite: SerdeSite;
  /** True where a value can be handed out without a copy. */
  readonly immutableValues: boolean;
  readonly #store: string;
  readonly #serdes: Serdes<K, V>;
  readonly #valueSite: SerdeSite;

  constructor(store: string, topic: string, serdes: Serdes<K, V>) {
    this.#store = store;
    this.#serdes = serdes;
    this.keySite = { topic, isKey: true, headers: NO_HEADERS };
    this.#valueSite = { topic, isKey: false, headers: NO_HEADERS };
    this.immutableValues = serdes.value.immutable === true;
  }

  keyToBytes(key: K): Uint8Array {
    if (key === null || key === undefined) throw this.nullKey();
    try {
      return this.#serdes.key.serialize(key, this.keySite);
    } catch (error) {
      throw this.#placed(error, 'STREAMS_SERIALIZATION', 'the key cannot be serialized');
    }
  }

  keyFromBytes(bytes: Uint8Array): K {
    try {
      return this.#serdes.key.deserialize(bytes, this.keySite);
    } catch (error) {
      throw this.#placed(error, 'STREAMS_DESERIALIZATION', 'a stored key cannot be read');
    }
  }

  valueToBytes(value: V): Uint8Array {
    if (value === undefined) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        'undefined cannot be stored: put null to delete, or a value',
        { site: { store: this.#store } },
      );
    }
    try {
      return this.#serdes.value.serialize(value, this.#valueSite);
    } catch (error) {
      throw this.#placed(error, 'STREAMS_SERIALIZATION', 'the value cannot be serialized');
    }
  }

  valueFromBytes(bytes: Uint8Array): V {
    try {
      return this.#serdes.value.deserialize(bytes, this.#valueSite);
    } catch (error) {
      throw this.#placed(error, 'STREAMS_DESERIALIZATION', 'a stored value cannot be read');
    }
  }

  /** What stands for the key in memory, where its serde knows that. */
  identityOf(key: K): string | number | bigint | boolean | undefined {
    return this.#serdes.key.identity?.(key);
  }

  get immutableKeys(): boolean {
    return this.#serdes.key.immutable === true;
  }

  nullKey(): StreamsError {
    return new StreamsError('STREAMS_PROCESSING', 'a store has no null key: check for it first', {
      site: { store: this.#store },
    });
  }

  #placed(error: unknown, code: ErrorCode, message: string): StreamsError {
    const site = { store: this.#store, topic: this.keySite.topic };
    if (isStreamsError(error)) return error.at(site);
    return new StreamsError(code, `${message} by the store's serde`, { site, cause: error });
  }
}
