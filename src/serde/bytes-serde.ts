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
