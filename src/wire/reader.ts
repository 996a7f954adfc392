import { readInt32, readInt64 } from '../common/bytes.ts';
import { StreamsError } from '../common/errors.ts';
import { ZERO_UUID } from './uuid.ts';

/** Reads one element of an array; `version` is the message's, `field` is for errors. */
export type ElementReader<T> = (reader: Reader, version: number, field: string) => T;

/** What an element of an array takes at least on the wire, and how many fields its object has. */
export interface ElementSize {
  readonly minBytes: number;
  readonly fields: number;
}

const SLOT_BYTES = 8;
const OBJECT_BYTES = 24;
const FREE_HEAP_BYTES = 1 << 20;
const HEAP_BYTES_PER_INPUT_BYTE = 4;

/**
 * Reads the primitives of Kafka's protocol out of one buffer, without copying: `bytes` and `records` are views of it and
 * are valid as long as its owner leaves it alone.
 *
 * Whatever the bytes are, a read gives a value or throws `STREAMS_CORRUPT_MESSAGE`, which names the message, its version,
 * the field and the place. An array is refused when its elements cannot be in the bytes that are left, and when the
 * message asks for more heap (24 bytes an object, 8 a slot and a field) than four times its own size and 1 MB.
 *
 * int64 is a number; a value beyond ±2^53 is refused. Text that is not UTF-8 comes out with U+FFFD in it.
 */
export class Reader {
  readonly #bytes: Buffer;
  #at: number;
  #flexible = false;
  #message = 'bytes';
  #version = 0;
  #heapBytesLeft: number;

  constructor(bytes: Uint8Array, start = 0) {
    // A view of the same memory: only a Buffer can decode text from a range.
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#heapBytesLeft = FREE_HEAP_BYTES + HEAP_BYTES_PER_INPUT_BYTE * bytes.byteLength;
  }

  /** Where the next read begins. */
  get at(): number {
    return this.#at;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#at;
  }

  /** Names the message for errors (`Metadata response`) and sets the form of its strings and arrays. */
  begin(message: string, version: number, flexible: boolean): void {
    this.#message = message;
    this.#version = version;
    this.#flexible = flexible;
  }

  /** For the owner of a whole message: bytes after its end are an error too. */
  expectEnd(): void {
    if (this.remainingBytes > 0) throw this.corrupt('end', `${this.remainingBytes} bytes too many`);
  }

  bool(field: string): boolean {
    return this.#bytes[this.#take(1, field)] !== 0;
  }

  int8(field: string): number {
    const at = this.#take(1, field);
    return ((this.#bytes[at] as number) << 24) >> 24;
  }

  int16(field: string): number {
    const at = this.#take(2, field);
    return (((this.#bytes[at] as number) << 24) >> 16) | (this.#bytes[at + 1] as number);
  }

  int32(field: string): number {
    return readInt32(this.#bytes, this.#take(4, field));
  }

  int64(field: string): number {
    const value = readInt64(this.#bytes, this.#take(8, field));
    if (!Number.isSafeInteger(value)) throw this.corrupt(field, 'a value beyond 2^53');
    return value;
  }

  /** 0 to 2^31 - 1. */
  uvarint(field: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1, field)] as number;
      value |= (byte & 127) << shift;
      if (shift === 28 && byte > 7) break;
      if (byte < 128) return value;
    }
    throw this.corrupt(field, 'a varint beyond 2^31');
  }

  uuid(field: string): string {
    const at = this.#take(16, field);
    const hex = this.#bytes.toString('hex', at, at + 16);
    return hex === ZERO_UUID ? ZERO_UUID : hex;
  }

  string(field: string): string {
    return this.nullableString(field) ?? this.#refuseNull(field);
  }

  nullableString(field: string): string | null {
    const length = this.#flexible ? this.uvarint(field) - 1 : this.int16(field);
    if (length < 0) return this.#null(length, field);
    const at = this.#take(length, field);
    return this.#bytes.toString('utf8', at, at + length);
  }

  bytes(field: string): Uint8Array {
    return this.nullableBytes(field) ?? this.#refuseNull(field);
  }

  nullableBytes(field: string): Uint8Array | null {
    const length = this.#length(field);
    if (length < 0) return this.#null(length, field);
    const at = this.#take(length, field);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  list<T>(field: string, version: number, read: ElementReader<T>, size: ElementSize): T[] {
    return this.nullableList(field, version, read, size) ?? this.#refuseNull(field);
  }

  nullableList<T>(
    field: string,
    version: number,
    read: ElementReader<T>,
    size: ElementSize,
  ): T[] | null {
    const count = this.listLength(field, size);
    if (count < 0) return null;
    // Of its size at once: a list that grows leaves twice its final size behind as garbage.
    const elements = new Array<T>(count);
    for (let index = 0; index < count; index++) elements[index] = read(this, version, field);
    return elements;
  }

  /** How many elements follow, -1 for null; for code that reads them in its own loop. */
  listLength(field: string, { minBytes, fields }: ElementSize): number {
    const count = this.#length(field);
    if (count < 0) {
      this.#null(count, field);
      return -1;
    }
    if (count * minBytes > this.remainingBytes) {
      throw this.corrupt(field, `${count} elements, ${this.remainingBytes} bytes are left`);
    }
    const objectBytes = fields === 0 ? 0 : OBJECT_BYTES + SLOT_BYTES * fields;
    this.#heapBytesLeft -= count * (SLOT_BYTES + objectBytes);
    if (this.#heapBytesLeft < 0) throw this.corrupt(field, `${count} elements, too many to hold`);
    return count;
  }

  /** Ends a struct of which we know no tagged field: whatever it has is skipped. */
  skipTags(): void {
    for (let left = this.tagCount(); left > 0; left--) {
      this.uvarint('tag');
      this.skipTo(this.tagEnd());
    }
  }

  /** How many tagged fields follow. */
  tagCount(): number {
    return this.#flexible ? this.uvarint('tags') : 0;
  }

  /** After a tag: where its value ends. */
  tagEnd(): number {
    const size = this.uvarint('tag');
    if (size > this.remainingBytes) throw this.corrupt('tag', `${size} bytes wanted`);
    return this.#at + size;
  }

  /** Goes on at the end of a tagged field, past what a newer broker has added to it. */
  skipTo(end: number): void {
    if (this.#at > end) throw this.corrupt('tag', 'a value longer than its size');
    this.#at = end;
  }

  corrupt(field: string, problem: string): StreamsError {
    return new StreamsError(
      'STREAMS_CORRUPT_MESSAGE',
      `${this.#message}: field ${field} is broken at byte ${this.#at} of ${this.#bytes.length}: ${problem}. ` +
        'Check that a Kafka broker, and no proxy of another kind, listens at this address',
      { site: { api: `${this.#message} v${this.#version}` } },
    );
  }

  #length(field: string): number {
    return this.#flexible ? this.uvarint(field) - 1 : this.int32(field);
  }

  #null(length: number, field: string): null {
    if (length !== -1) throw this.corrupt(field, `length ${length}`);
    return null;
  }

  #refuseNull(field: string): never {
    throw this.corrupt(field, 'null');
  }

  #take(count: number, field: string): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) {
      throw this.corrupt(field, `${count} bytes wanted, ${this.remainingBytes} are left`);
    }
    this.#at = at + count;
    return at;
  }
}
