import { canonicalJson } from './canonical-json.ts';
import { findUnfaithful, isFaithful } from './json-faithful.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable, unserializable } from './serde-error.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

export interface JsonSerdeOptions {
  /**
   * Writes the fields of every object in order of their names, so that equal values have equal bytes. Needed for keys
   * that are objects; without it a key whose fields come in another order is another key.
   */
  readonly canonical?: boolean;
}

/**
 * JSON text in UTF-8.
 *
 * Refuses what would come back as something else: NaN, Infinity, bigint, Date, Map, Set, functions, symbols, cycles,
 * and `undefined` as the value itself or in an array. An undefined field is left out, as in `JSON.stringify`.
 */
export function jsonSerde<T>({ canonical = false }: JsonSerdeOptions = {}): Serde<T> {
  const write = canonical ? canonicalJson : stringify;
  const deserializeAt = (buffer: Uint8Array, start: number, end: number, site: SerdeSite): T => {
    const text = decodeUtf8(buffer, start, end);
    try {
      return JSON.parse(text) as T; // that the bytes hold a T is what the user says by choosing this serde
    } catch (cause) {
      throw undecodable(site, `this is no JSON: ${excerpt(text)}`, cause);
    }
  };
  return {
    serialize(value, site) {
      let text: string | undefined;
      try {
        text = write(value);
      } catch (cause) {
        throw unserializable(site, findUnfaithful(value) ?? 'JSON.stringify threw', cause);
      }
      if (text === undefined || !isFaithful(value)) {
        const problem = findUnfaithful(value);
        if (text === undefined || problem !== null) {
          throw unserializable(site, problem ?? 'the value has no JSON');
        }
      }
      return encodeUtf8(text);
    },
    deserialize: (bytes, site) => deserializeAt(bytes, 0, bytes.length, site),
    deserializeAt,
  };
}

/** `JSON.stringify` as it is: its type forgets that undefined and functions give undefined. */
function stringify(value: unknown): string | undefined {
  return JSON.stringify(value);
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
