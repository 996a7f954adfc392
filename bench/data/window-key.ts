import { writeInt64 } from '../../src/common/bytes.ts';

const EMPTY = new Uint8Array(0);

/** W2: what the last record of a window is hashed under, the sensor and the start of its window. */
export function windowKey(sensor: Uint8Array | null, startMs: number): Uint8Array {
  const name = sensor ?? EMPTY;
  const key = new Uint8Array(name.length + 8);
  key.set(name);
  writeInt64(key, name.length, startMs);
  return key;
}
