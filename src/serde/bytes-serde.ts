import type { Serde } from './serde.ts';

/**
 * Bytes as they are. `deserialize` gives a copy, which is the receiver's own; `serialize` takes one, so that the caller
 * may go on changing its array.
 */
export const bytesSerde: Serde<Uint8Array> = {
  serialize: (value) => Uint8Array.prototype.slice.call(value),
  deserialize: (bytes) => Uint8Array.prototype.slice.call(bytes),
  deserializeAt: (buffer, start, end) => Uint8Array.prototype.slice.call(buffer, start, end),
};
