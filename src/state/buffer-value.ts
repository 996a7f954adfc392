import { readInt32, readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';
import { StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { BufferedContext } from './time-ordered-buffer.ts';

const NULL = -1;
/** The old value is the prior one. */
const SAME = -2;
const INT32 = 4;
const INT64 = 8;

/** A buffered record as bytes. `prior` and `old` are those of a table's change; null in a buffer of plain records. */
export interface BufferValue {
  readonly context: BufferedContext;
  /** What the key had when it was first buffered. */
  readonly priorValue: Uint8Array | null;
  readonly oldValue: Uint8Array | null;
  readonly newValue: Uint8Array | null;
}

/**
 * As Kafka Streams writes it, less the time that follows in the changelog:
 *
 *     i64 timestamp, i64 offset, i32 length, topic, i32 partition, i32 headers, each: i32 length, name, i32 length, value
 *     i32 length, prior value
 *     i32 length, old value      length -2: as the prior one
 *     i32 length, new value      lengths of -1: null
 *
 * Source: `BufferValue`, `ProcessorRecordContext`.
 */
export function bufferValueToBytes(
  { context, priorValue, oldValue, newValue }: BufferValue,
  paddingBytes = 0,
): Uint8Array {
  const topic = Buffer.from(context.topic, 'utf8');
  const headers = context.headers.map(([name, value]) => [Buffer.from(name), value] as const);
  const same = isSame(priorValue, oldValue);
  let size = 2 * INT64 + 3 * INT32 + topic.length + 3 * INT32 + paddingBytes;
  for (const [name, value] of headers) size += 2 * INT32 + name.length + (value?.length ?? 0);
  size += (priorValue?.length ?? 0) + (same ? 0 : (oldValue?.length ?? 0));
  size += newValue?.length ?? 0;

  const bytes = new Uint8Array(size);
  writeInt64(bytes, 0, context.timestampMs);
  writeInt64(bytes, INT64, context.offset);
  let at = writeBytes(bytes, 2 * INT64, topic);
  writeInt32(bytes, at, context.partition);
  writeInt32(bytes, at + INT32, headers.length);
  at += 2 * INT32;
  for (const [name, value] of headers) at = writeBytes(bytes, writeBytes(bytes, at, name), value);
  at = writeBytes(bytes, at, priorValue);
  if (same && oldValue !== null) {
    writeInt32(bytes, at, SAME);
    at += INT32;
  } else {
    at = writeBytes(bytes, at, oldValue);
  }
  writeBytes(bytes, at, newValue);
  return bytes;
}

/**
 * The value, and where it ends. Its parts refer to the bytes.
 *
 * Errors: `STREAMS_STATE_CORRUPT` for bytes that are none.
 */
export function bufferValueFromBytes(bytes: Uint8Array): BufferValue & { readonly end: number } {
  const cursor = new Cursor(bytes);
  const timestampMs = cursor.int64();
  const offset = cursor.int64();
  const topic = text(cursor.bytes());
  const partition = cursor.int32();
  const count = cursor.int32();
  const headers: (readonly [string, Uint8Array | null])[] = [];
  for (let index = 0; index < count; index++) {
    const name = text(cursor.bytes());
    const value = cursor.bytes();
    headers.push([name, value === null ? null : new Uint8Array(value)]);
  }
  const context = { timestampMs, headers, topic, partition, offset };
  const priorValue = cursor.bytes();
  const oldLength = cursor.int32();
  const oldValue = oldLength === SAME ? priorValue : cursor.take(oldLength);
  return { context, priorValue, oldValue, newValue: cursor.bytes(), end: cursor.at };
}

/** What Kafka Streams counts for it in the size of the buffer. */
export function residentBytes({ context, priorValue, oldValue, newValue }: BufferValue): number {
  const values = (priorValue?.length ?? 0) + (newValue?.length ?? 0);
  const old = isSame(priorValue, oldValue) ? 0 : (oldValue?.length ?? 0);
  return values + old + contextBytes(context.topic, context.headers);
}

function contextBytes(topic: string, headers: Headers): number {
  let bytes = 2 * INT64 + topic.length + INT32;
  for (const [name, value] of headers) bytes += name.length + (value?.length ?? 0);
  return bytes;
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}

function writeBytes(bytes: Uint8Array, at: number, value: Uint8Array | null): number {
  writeInt32(bytes, at, value === null ? NULL : value.length);
  if (value === null) return at + INT32;
  bytes.set(value, at + INT32);
  return at + INT32 + value.length;
}

class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  int32(): number {
    return readInt32(this.#bytes, this.#advance(INT32));
  }

  int64(): number {
    return readInt64(this.#bytes, this.#advance(INT64));
  }

  bytes(): Uint8Array | null {
    return this.take(this.int32());
  }

  take(length: number): Uint8Array | null {
    if (length === NULL) return null;
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  #advance(length: number): number {
    const from = this.at;
    this.at += length;
    if (length < 0 || this.at > this.#bytes.length) throw corrupt();
    return from;
  }
}

function text(bytes: Uint8Array | null): string {
  if (bytes === null) throw corrupt();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function corrupt(): StreamsError {
  return new StreamsError('STREAMS_STATE_CORRUPT', 'a buffered record is not readable');
}
