import { crc32c } from '../../wire/crc32c.ts';
import type { Crc32c } from '../../wire/crc32c.ts';

/**
 * The native CRC-32C of the optional package `@node-rs/crc32` where it is installed and runs on this machine, else our own
 * in JavaScript, which gives the same and costs W1 twice the CPU. Awaited once at start: a dynamic import is the one form
 * that finds an optional package in both builds.
 */
export async function loadCrc32c(): Promise<Crc32c> {
  try {
    const native = await import('@node-rs/crc32');
    return nativeCrc32c(native.crc32c);
  } catch {
    return crc32c; // not installed, or no build for this platform
  }
}

function nativeCrc32c(checksum: (bytes: Uint8Array) => number): Crc32c {
  return (bytes, start, end) =>
    checksum(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
}
