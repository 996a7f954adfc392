import type { Serde, SerdeSite } from './serde.ts';
import { undecodable } from './serde-error.ts';

/** One byte, 0 or 1, as Java's `BooleanSerializer`. */
export const booleanSerde: Serde<boolean> = {
  serialize: (value) => new Uint8Array([value ? 1 : 0]),
  deserialize: (bytes, site) => readBoolean(bytes, 0, bytes.length, site),
  deserializeAt: readBoolean,
  immutable: true,
  identity: (value) => value,
};

function readBoolean(buffer: Uint8Array, start: number, end: number, site: SerdeSite): boolean {
  const byte = end - start === 1 ? buffer[start] : undefined;
  if (byte === 0 || byte === 1) return byte === 1;
  throw undecodable(site, 'these bytes are no boolean, which is one byte, 0 or 1');
}
