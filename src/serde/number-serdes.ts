import { newBytes } from '../common/byte-pool.ts';
import { readInt32, readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable, unserializable } from './serde-error.ts';

/**
 * Bytes of 64-bit values pass through it, since a view of the bytes themselves would have to be made for each: 60 ns
 * against 10, and asking a small array for its `buffer` takes 300 more.
 */
const scratch = new DataView(new ArrayBuffer(8));

/** Numbers big-endian, two's complement or IEEE 754, as Java's serializers; so in byte order negatives come last. */
interface NumberFormat<T> {
  readonly name: string;
  readonly byteLength: number;
  /** Whether the value has these bytes and no other value does. */
  readonly accepts: (value: T) => boolean;
  readonly range: string;
  readonly write: (bytes: Uint8Array, value: T) => void;
  readonly read: (buffer: Uint8Array, at: number, site: SerdeSite) => T;
  readonly identity?: (value: T) => number | bigint | undefined;
}

function numberSerde<T extends number | bigint>(format: NumberFormat<T>): Serde<T> {
  const { name, byteLength, accepts, range, write, read, identity } = format;
  const deserializeAt = (buffer: Uint8Array, start: number, end: number, site: SerdeSite): T => {
    if (end - start !== byteLength) {
      throw undecodable(site, `${end - start} bytes are no ${name}, which has ${byteLength}`);
    }
    return read(buffer, start, site);
  };
  return {
    serialize(value, site) {
      if (!accepts(value)) throw unserializable(site, `${String(value)} is no ${name}: ${range}`);
      const bytes = newBytes(byteLength);
      write(bytes, value);
      return bytes;
    },
    deserialize: (bytes, site) => deserializeAt(bytes, 0, bytes.length, site),
    deserializeAt,
    immutable: true,
    identity: identity ?? ((value) => value),
  };
}

/** -0 and 0 have the same bytes as integers, and a cache must know them as one. */
const withoutNegativeZero = (value: number): number => value + 0;

/** Java's `short`: 2 bytes. */
export const shortSerde: Serde<number> = numberSerde<number>({
  name: 'short',
  byteLength: 2,
  accepts: (value) => (value << 16) >> 16 === value,
  range: 'whole numbers from -32768 to 32767 are',
  write: (bytes, value) => {
    bytes[0] = value >> 8;
    bytes[1] = value;
  },
  // Of two bytes that are there.
  read: (buffer, at) => (((buffer[at] as number) << 24) >> 16) | (buffer[at + 1] as number),
  identity: withoutNegativeZero,
});

/** Java's `int`: 4 bytes. */
export const intSerde: Serde<number> = numberSerde<number>({
  name: 'int',
  byteLength: 4,
  accepts: (value) => (value | 0) === value,
  range: 'whole numbers from -2^31 to 2^31 - 1 are',
  write: (bytes, value) => {
    writeInt32(bytes, 0, value);
  },
  read: readInt32,
  identity: withoutNegativeZero,
});

/** Java's `long`, 8 bytes, as a number. Refuses what a number cannot hold exactly: use `serdes.bigint` for that. */
export const longSerde: Serde<number> = numberSerde<number>({
  name: 'long',
  byteLength: 8,
  accepts: Number.isSafeInteger,
  range: 'whole numbers up to ±(2^53 - 1) are; serdes.bigint takes more',
  write: (bytes, value) => {
    writeInt64(bytes, 0, value);
  },
  read: (buffer, at, site) => {
    const value = readInt64(buffer, at);
    if (Number.isSafeInteger(value)) return value;
    throw undecodable(site, 'this long does not fit a number exactly: read it with serdes.bigint');
  },
  identity: withoutNegativeZero,
});

/** The same 8 bytes as `longSerde`, the whole range. */
export const bigintSerde: Serde<bigint> = numberSerde<bigint>({
  name: 'bigint of 64 bits',
  byteLength: 8,
  accepts: (value) => BigInt.asIntN(64, value) === value,
  range: 'those from -2^63 to 2^63 - 1 are',
  write: (bytes, value) => {
    scratch.setBigInt64(0, value);
    writeInt32(bytes, 0, scratch.getInt32(0));
    writeInt32(bytes, 4, scratch.getInt32(4));
  },
  read: (buffer, at) => {
    scratch.setInt32(0, readInt32(buffer, at));
    scratch.setInt32(4, readInt32(buffer, at + 4));
    return scratch.getBigInt64(0);
  },
});

/** Java's `float`: 4 bytes. A number is rounded to the nearest float, as by a cast in Java. */
export const floatSerde: Serde<number> = numberSerde<number>({
  name: 'float',
  byteLength: 4,
  accepts: (value) =>
    typeof value === 'number' && Number.isFinite(Math.fround(value)) === Number.isFinite(value),
  range: 'numbers up to ±3.4e38 are',
  write: (bytes, value) => {
    scratch.setFloat32(0, value);
    writeInt32(bytes, 0, scratch.getInt32(0));
  },
  read: (buffer, at) => {
    scratch.setInt32(0, readInt32(buffer, at));
    return scratch.getFloat32(0);
  },
  // Map keys take 0 for -0, whose bytes differ.
  identity: (value) => (Object.is(Math.fround(value), -0) ? undefined : Math.fround(value)),
});

/** Java's `double`. Every NaN is written as Java's canonical one. */
export const doubleSerde: Serde<number> = numberSerde<number>({
  name: 'double',
  byteLength: 8,
  accepts: (value) => typeof value === 'number',
  range: 'numbers are',
  write: (bytes, value) => {
    scratch.setFloat64(0, value);
    writeInt32(bytes, 0, scratch.getInt32(0));
    writeInt32(bytes, 4, scratch.getInt32(4));
  },
  read: (buffer, at) => {
    scratch.setInt32(0, readInt32(buffer, at));
    scratch.setInt32(4, readInt32(buffer, at + 4));
    return scratch.getFloat64(0);
  },
  // Map keys take 0 for -0, whose bytes differ.
  identity: (value) => (Object.is(value, -0) ? undefined : value),
});
