import type { Serde } from './serde.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** UTF-8, byte for byte as Java's `StringSerializer`. */
export const stringSerde: Serde<string> = {
  serialize: encodeUtf8,
  deserialize: (bytes) => decodeUtf8(bytes, 0, bytes.length),
  deserializeAt: decodeUtf8,
  immutable: true,
  // Two texts with half a surrogate pair in the same place have the same bytes.
  identity: (text) => (text.isWellFormed() ? text : undefined),
};
