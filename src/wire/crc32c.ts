/**
 * CRC-32C (Castagnoli) of `bytes[start, end)`, unsigned. A port: `adapters/crc` has the native one, which on a batch of
 * 64 KB does 14 GB/s where this file's does 1.4.
 */
export type Crc32c = (bytes: Uint8Array, start: number, end: number) => number;

const REVERSED_POLYNOMIAL = 0x82f63b78;

/** Row `k` tells what a byte does to the checksum when `k` more bytes follow it in its group of eight. */
const [T0, T1, T2, T3, T4, T5, T6, T7] = tables();

/** Slicing-by-8: eight table look-ups for eight bytes, instead of eight dependent steps. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24));
    crc =
      (T7[low & 255] as number) ^
      (T6[(low >>> 8) & 255] as number) ^
      (T5[(low >>> 16) & 255] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[bytes[at + 4] as number] as number) ^
      (T2[bytes[at + 5] as number] as number) ^
      (T1[bytes[at + 6] as number] as number) ^
      (T0[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (T0[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

type Table = Int32Array;

function tables(): [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ REVERSED_POLYNOMIAL;
    }
    first[byte] = crc;
  }
  const after = (table: Table): Table =>
    table.map((crc) => (first[crc & 255] as number) ^ (crc >>> 8));
  const second = after(first);
  const third = after(second);
  const fourth = after(third);
  const fifth = after(fourth);
  const sixth = after(fifth);
  const seventh = after(sixth);
  return [first, second, third, fourth, fifth, sixth, seventh, after(seventh)];
}
