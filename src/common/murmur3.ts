import { writeInt32 } from './bytes.ts';

const SEED = 104_729;

/**
 * The 128-bit murmur3 hash by which Kafka Streams tells two versions of a row apart: its two 64-bit halves, big-endian.
 *
 * Source: `org.apache.kafka.streams.state.internals.Murmur3.hash128`; pinned by vectors that Java computed.
 */
export function murmur3Of128Bits(bytes: Uint8Array): Uint8Array {
  const h1 = new Long(0, SEED);
  const h2 = new Long(0, SEED);
  const k1 = new Long(0, 0);
  const k2 = new Long(0, 0);
  let at = 0;
  for (; at + 16 <= bytes.length; at += 16) {
    k1.read(bytes, at);
    h1.xor(mixed1(k1)).rotate(27).add(h2).times(0, 5).add(N1);
    k2.read(bytes, at + 8);
    h2.xor(mixed2(k2)).rotate(31).add(h1).times(0, 5).add(N2);
  }
  const left = new Uint8Array(16);
  left.set(bytes.subarray(at));
  // What is not there is 0, and mixes to 0.
  k2.read(left, 8);
  h2.xor(mixed2(k2));
  k1.read(left, 0);
  h1.xor(mixed1(k1));

  const length = new Long(0, bytes.length);
  h1.xor(length).add(h2.xor(length));
  h2.add(h1);
  finish(h1);
  finish(h2);
  h1.add(h2);
  h2.add(h1);

  const hash = new Uint8Array(16);
  h1.write(hash, 0);
  h2.write(hash, 8);
  return hash;
}

/** A 64-bit integer that is changed in place, as two halves: a BigInt would be made anew for each step. */
class Long {
  high: number;
  low: number;

  constructor(high: number, low: number) {
    this.high = high;
    this.low = low;
  }

  /** Little-endian, as murmur3 reads. */
  read(bytes: Uint8Array, at: number): void {
    this.low = littleEndian(bytes, at);
    this.high = littleEndian(bytes, at + 4);
  }

  write(bytes: Uint8Array, at: number): void {
    writeInt32(bytes, at, this.high);
    writeInt32(bytes, at + 4, this.low);
  }

  xor({ high, low }: Long): this {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  add({ high, low }: Long): this {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    this.low = sum | 0;
    return this;
  }

  /** By products of 16 bits, which a number holds exactly. */
  times(high: number, low: number): this {
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    const lowest = a0 * b0;
    const middle = a1 * b0 + (lowest >>> 16);
    const other = a0 * b1 + (middle & 0xffff);
    const carried = a1 * b1 + (middle >>> 16) + (other >>> 16);
    this.high = (carried + Math.imul(this.high, low) + Math.imul(this.low, high)) | 0;
    this.low = ((other & 0xffff) << 16) | (lowest & 0xffff);
    return this;
  }

  rotate(bits: number): this {
    const swap = bits >= 32;
    const high = swap ? this.low : this.high;
    const low = swap ? this.high : this.low;
    const by = bits % 32;
    this.high = (high << by) | (low >>> (32 - by));
    this.low = (low << by) | (high >>> (32 - by));
    return this;
  }

  /** `this ^= this >>> 33` */
  foldHigh(): this {
    this.low ^= this.high >>> 1;
    return this;
  }
}

const N1 = new Long(0, 0x52dce729);
const N2 = new Long(0, 0x38495ab5);

function mixed1(k: Long): Long {
  return k.times(0x87c37b91, 0x114253d5).rotate(31).times(0x4cf5ad43, 0x2745937f);
}

function mixed2(k: Long): Long {
  return k.times(0x4cf5ad43, 0x2745937f).rotate(33).times(0x87c37b91, 0x114253d5);
}

function finish(h: Long): void {
  h.foldHigh().times(0xff51afd7, 0xed558ccd).foldHigh().times(0xc4ceb9fe, 0x1a85ec53).foldHigh();
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  ); // the caller has checked that they are there
}
