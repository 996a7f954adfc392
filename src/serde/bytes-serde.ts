import { copyBytes } from '../common/byte-pool.ts';
import type { Serde } from './serde.ts';

/**
 * Bytes as they are. `deserialize` gives a copy, which is the receiver's own; `serialize` takes one, so that the caller
 * may go on changing its array.
 */
export const bytesSerde: Serde<Uint8Array> = {
  serialize: (value) => copyBytes(value),
  deserialize: (bytes) => copyBytes(bytes),
  deserializeAt: (buffer, start, end) => copyBytes(buffer, start, end),
};

/** What this serde reads is a copy of the bytes: whoever owns the bytes that it is given may do without. */
export function readsBytes(serde: Serde<unknown>): boolean {
  return serde.deserializeAt === bytesSerde.deserializeAt;
}

/** What this serde writes is a copy of the value: whoever is done with it before anybody else runs may do without. */
export function writesBytes(serde: Serde<unknown>): boolean {
  return serde.serialize === bytesSerde.serialize;
}
