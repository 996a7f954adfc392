import { writeInt32, writeInt64 } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import { ZERO_UUID } from './uuid.ts';

/** Writes one element of an array; `version` is the message's. */
export type ElementWriter<T> = (writer: Writer, version: number, element: T) => void;

const INITIAL_BYTES = 512;

/**
 * Writes the primitives of Kafka's protocol into one growing buffer.
 *
 * `begin` says whether strings, bytes and arrays are compact (flexible versions) or have fixed-size lengths. A writer can
 * be used again after `reset`, which keeps its buffer; then what `finish` gave out before is overwritten.
 *
 * A value that its type cannot hold is a `STREAMS_INVARIANT`: nothing is ever cut off silently.
 * Source: Kafka's protocol guide; KIP-482 for the compact forms and tagged fields.
 */
export class Writer {
  #bytes: Buffer;
  #at = 0;
  #flexible = false;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  get sizeBytes(): number {
    return this.#at;
  }

  /** Forgets what was written and keeps the buffer. */
  reset(): this {
    this.#at = 0;
    this.#flexible = false;
    return this;
  }

  begin(flexible: boolean): void {
    this.#flexible = flexible;
  }

  /** What was written: a view, valid until the next `reset`. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#at);
  }

  /** Makes room for `bytes` more, so that a large message grows the buffer, and copies it, once. */
  reserve(bytes: number): void {
    const wanted = this.#at + bytes;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  bool(value: boolean): void {
    this.reserve(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  int8(value: number): void {
    invariant((value << 24) >> 24 === value, 'an int8 field holds no such value');
    this.reserve(1);
    this.#bytes[this.#at++] = value;
  }

  int16(value: number): void {
    invariant((value << 16) >> 16 === value, 'an int16 field holds no such value');
    this.reserve(2);
    this.#bytes[this.#at] = value >>> 8;
    this.#bytes[this.#at + 1] = value;
    this.#at += 2;
  }

  int32(value: number): void {
    invariant((value | 0) === value, 'an int32 field holds no such value');
    this.reserve(4);
    writeInt32(this.#bytes, this.#at, value);
    this.#at += 4;
  }

  int64(value: number): void {
    invariant(Number.isSafeInteger(value), 'an int64 field takes whole numbers within 2^53');
    this.reserve(8);
    writeInt64(this.#bytes, this.#at, value);
    this.#at += 8;
  }

  /** 0 to 2^31 - 1. */
  uvarint(value: number): void {
    invariant((value | 0) === value && value >= 0, 'an unsigned varint holds no such value');
    this.reserve(5);
    this.#at = writeUvarint(this.#bytes, this.#at, value);
  }

  uuid(hex: string): void {
    this.reserve(16);
    if (hex === ZERO_UUID) {
      this.#bytes.fill(0, this.#at, this.#at + 16);
    } else {
      const written = hex.length === 32 ? this.#bytes.write(hex, this.#at, 16, 'hex') : 0;
      invariant(written === 16, 'an id has 32 hex digits');
    }
    this.#at += 16;
  }

  string(text: string): void {
    const length = Buffer.byteLength(text);
    if (this.#flexible) this.uvarint(length + 1);
    else this.int16(length);
    this.reserve(length);
    this.#at += this.#bytes.write(text, this.#at, length, 'utf8');
  }

  nullableString(text: string | null): void {
    if (text !== null) this.string(text);
    else if (this.#flexible) this.uvarint(0);
    else this.int16(-1);
  }

  bytes(bytes: Uint8Array): void {
    this.listLength(bytes.length);
    this.raw(bytes);
  }

  nullableBytes(bytes: Uint8Array | null): void {
    if (bytes === null) this.listLength(-1);
    else this.bytes(bytes);
  }

  /** The bytes alone, with no length before them. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Before the elements of an array or the bytes of a field; -1 for null. */
  listLength(length: number): void {
    if (this.#flexible) this.uvarint(length + 1);
    else this.int32(length);
  }

  list<T>(elements: readonly T[], version: number, write: ElementWriter<T>): void {
    this.listLength(elements.length);
    for (const element of elements) write(this, version, element);
  }

  nullableList<T>(elements: readonly T[] | null, version: number, write: ElementWriter<T>): void {
    if (elements === null) this.listLength(-1);
    else this.list(elements, version, write);
  }

  /** Ends a struct that has no tagged field to write. */
  noTags(): void {
    if (this.#flexible) this.uvarint(0);
  }

  /** Begins a tagged field; its value follows, then `closeTag` with what this returned. */
  openTag(tag: number): number {
    this.uvarint(tag);
    return this.#at;
  }

  /** Puts the size before the value, which moves by one to five bytes. */
  closeTag(start: number): void {
    const size = this.#at - start;
    this.uvarint(size);
    const sizeBytes = this.#at - start - size;
    this.#bytes.copyWithin(start + sizeBytes, start, start + size);
    writeUvarint(this.#bytes, start, size);
  }
}

function writeUvarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
