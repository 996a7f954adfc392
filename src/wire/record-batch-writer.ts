import { writeInt32, writeInt64 } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import { NO_HEADERS } from '../common/record.ts';
import type { CompressionCodec, CompressionName } from './compression.ts';
import { compressionId } from './compression.ts';
import type { Crc32c } from './crc32c.ts';
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_HEADER_BYTES,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  LENGTH_ENDS_AT,
  MAGIC,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  TRANSACTIONAL,
} from './record-batch.ts';

/** A codec with the name that goes into the batch. */
export interface BatchCompression {
  readonly name: Exclude<CompressionName, 'none'>;
  readonly codec: CompressionCodec;
}

export interface RecordBatchWriterOptions {
  /** Size at which a batch is full, before compression. A single larger record still gets a batch of its own. */
  readonly batchBytes: number;
  readonly crc32c: Crc32c;
  readonly compression?: BatchCompression;
}

/** Who writes the batch; without an idempotent producer all are -1. */
export interface BatchProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
}

export const NO_PRODUCER: BatchProducer = {
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  isTransactional: false,
};

/** A state of the writer to go back to: `mark`, `truncate`. */
export interface BatchMark {
  readonly sizeBytes: number;
  readonly recordCount: number;
  readonly maxTimestampMs: number;
}

/** Attributes, and a varint each for the length, the time, the offset, key and value length and the header count. */
const MAX_RECORD_OVERHEAD_BYTES = 1 + 5 + 10 + 5 + 5 + 5 + 5;
const NULL_LENGTH = -1;
/** Measured: a byte takes 1.7 ns, a view 40 ns and `set` 15 ns whatever the length. */
const LOOP_BYTES = 32;
const WHOLE_LOOP_BYTES = 8;
const TWO_31 = 0x8000_0000;

/**
 * Builds one record batch, format 2, in one buffer: keys and values are copied once, straight into it.
 *
 *     append … append    false when the batch is full; then `finish`, send, and go on with another writer
 *     finish             puts the header before the records; may be called again with another producer epoch or sequence
 *     reset              an empty batch in the same buffer, once the broker has answered
 *
 * Between `mark` and `truncate` the records of one input can be taken back. Offsets are relative, from 0; the broker sets
 * the base. The time of a record is its own (CreateTime).
 */
export class RecordBatchWriter {
  readonly #batchBytes: number;
  readonly #crc32c: Crc32c;
  readonly #compression: BatchCompression | null;
  #bytes: Buffer;
  #at = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestampMs = -1;
  #maxTimestampMs = -1;
  #compressed: Uint8Array | null = null;

  constructor({ batchBytes, crc32c, compression }: RecordBatchWriterOptions) {
    this.#batchBytes = batchBytes;
    this.#crc32c = crc32c;
    this.#compression = compression ?? null;
    this.#bytes = Buffer.allocUnsafeSlow(batchBytes);
  }

  get recordCount(): number {
    return this.#count;
  }

  /** Size of the batch before compression. */
  get sizeBytes(): number {
    return this.#at;
  }

  get maxTimestampMs(): number {
    return this.#maxTimestampMs;
  }

  /** Adds a record; false, and nothing is changed, when it does not fit. The first record always fits. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers = NO_HEADERS,
  ): boolean {
    const keyLength = key === null ? NULL_LENGTH : key.length;
    const valueLength = value === null ? NULL_LENGTH : value.length;
    if (!this.#begin(keyLength, valueLength, timestampMs, headers)) return false;
    this.#varint(keyLength);
    if (key !== null) this.#copyWhole(key);
    this.#varint(valueLength);
    if (value !== null) this.#copyWhole(value);
    this.#end(timestampMs, headers);
    return true;
  }

  /**
   * As `append`, for ranges of other buffers, as `RecordCursor` gives them: -1 for null. Positional, since an object per
   * record would cost more than the copy of a small key.
   */
  appendRange(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    timestampMs: number,
    headers: Headers = NO_HEADERS,
  ): boolean {
    const keyLength = keyEnd < 0 ? NULL_LENGTH : keyEnd - keyStart;
    const valueLength = valueEnd < 0 ? NULL_LENGTH : valueEnd - valueStart;
    if (!this.#begin(keyLength, valueLength, timestampMs, headers)) return false;
    this.#varint(keyLength);
    if (keyLength > 0) this.#copyRange(keyBytes, keyStart, keyEnd);
    this.#varint(valueLength);
    if (valueLength > 0) this.#copyRange(valueBytes, valueStart, valueEnd);
    this.#end(timestampMs, headers);
    return true;
  }

  mark(): BatchMark {
    return {
      sizeBytes: this.#at,
      recordCount: this.#count,
      maxTimestampMs: this.#maxTimestampMs,
    };
  }

  /** Takes back every record since `mark`. */
  truncate({ sizeBytes, recordCount, maxTimestampMs }: BatchMark): void {
    this.#at = sizeBytes;
    this.#count = recordCount;
    this.#maxTimestampMs = maxTimestampMs;
    this.#compressed = null;
  }

  /** Writes the header and gives the batch: a view, valid until the next `append`, `truncate` or `reset`. */
  finish(producer: BatchProducer = NO_PRODUCER): Uint8Array {
    const bytes = this.#compression === null ? this.#bytes : this.#compress(this.#compression);
    const size = this.#compression === null ? this.#at : bytes.length;
    const id = this.#compression === null ? 0 : compressionId(this.#compression.name);
    const attributes = id | (producer.isTransactional ? TRANSACTIONAL : 0);

    writeInt64(bytes, 0, 0);
    writeInt32(bytes, LENGTH_AT, size - LENGTH_ENDS_AT);
    writeInt32(bytes, LEADER_EPOCH_AT, -1);
    bytes[MAGIC_AT] = MAGIC;
    writeInt16(bytes, ATTRIBUTES_AT, attributes);
    writeInt32(bytes, LAST_OFFSET_DELTA_AT, this.#count - 1);
    writeInt64(bytes, BASE_TIMESTAMP_AT, this.#baseTimestampMs);
    writeInt64(bytes, MAX_TIMESTAMP_AT, this.#maxTimestampMs);
    writeInt64(bytes, PRODUCER_ID_AT, producer.producerId);
    writeInt16(bytes, PRODUCER_EPOCH_AT, producer.producerEpoch);
    writeInt32(bytes, BASE_SEQUENCE_AT, producer.baseSequence);
    writeInt32(bytes, RECORD_COUNT_AT, this.#count);
    writeInt32(bytes, CRC_AT, this.#crc32c(bytes, ATTRIBUTES_AT, size));
    return new Uint8Array(bytes.buffer, bytes.byteOffset, size);
  }

  /** Forgets the records. A buffer that one large record has made grow goes back to the size of a batch. */
  reset(): void {
    this.#at = BATCH_HEADER_BYTES;
    this.#count = 0;
    this.#baseTimestampMs = -1;
    this.#maxTimestampMs = -1;
    this.#compressed = null;
    if (this.#bytes.length > this.#batchBytes)
      this.#bytes = Buffer.allocUnsafeSlow(this.#batchBytes);
  }

  /** Makes room and writes what comes before the key; false when the record does not fit. */
  #begin(keyLength: number, valueLength: number, timestampMs: number, headers: Headers): boolean {
    const headerBytes = headers.length === 0 ? 0 : sizeOfHeaders(headers);
    const payload = Math.max(keyLength, 0) + Math.max(valueLength, 0) + headerBytes;
    if (this.#at + payload + MAX_RECORD_OVERHEAD_BYTES > this.#bytes.length) {
      if (this.#count > 0) return false;
      this.#bytes = Buffer.allocUnsafeSlow(
        BATCH_HEADER_BYTES + payload + MAX_RECORD_OVERHEAD_BYTES,
      );
    }
    invariant(Number.isSafeInteger(timestampMs), 'the time of a record is a whole number');
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    }
    const timestampDelta = timestampMs - this.#baseTimestampMs;
    if (!Number.isSafeInteger(timestampDelta)) return false;
    this.#varint(
      1 +
        sizeOfVarlong(timestampDelta) +
        sizeOfVarint(this.#count) +
        sizeOfVarint(keyLength) +
        sizeOfVarint(valueLength) +
        sizeOfVarint(headers.length) +
        payload,
    );
    this.#bytes[this.#at++] = 0; // attributes
    this.#varlong(timestampDelta);
    this.#varint(this.#count);
    return true;
  }

  #end(timestampMs: number, headers: Headers): void {
    this.#varint(headers.length);
    for (const [name, value] of headers) {
      const nameLength = Buffer.byteLength(name);
      this.#varint(nameLength);
      this.#at += this.#bytes.write(name, this.#at, nameLength, 'utf8');
      this.#varint(value === null ? NULL_LENGTH : value.length);
      if (value !== null) this.#copyWhole(value);
    }
    this.#count++;
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    this.#compressed = null;
  }

  /** Header room and the compressed records; kept, so that a second `finish` compresses nothing. */
  #compress({ codec }: BatchCompression): Uint8Array {
    if (this.#compressed !== null) return this.#compressed;
    const { buffer, byteOffset } = this.#bytes;
    const size = this.#at - BATCH_HEADER_BYTES;
    const records = codec.compress(new Uint8Array(buffer, byteOffset + BATCH_HEADER_BYTES, size));
    const bytes = new Uint8Array(BATCH_HEADER_BYTES + records.length);
    bytes.set(records, BATCH_HEADER_BYTES);
    this.#compressed = bytes;
    return bytes;
  }

  #varint(value: number): void {
    let rest = (value << 1) ^ (value >> 31);
    while (rest > 127 || rest < 0) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  /** Zigzag by parts, since twice a number may be beyond 2^53. */
  #varlong(value: number): void {
    const sign = value < 0 ? 1 : 0;
    let rest = value < 0 ? -1 - value : value;
    let septet = ((rest % 64) << 1) | sign;
    rest = Math.floor(rest / 64);
    while (rest > 0) {
      this.#bytes[this.#at++] = septet | 128;
      septet = rest % 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = septet;
  }

  #copyWhole(from: Uint8Array): void {
    if (from.length > WHOLE_LOOP_BYTES) {
      this.#bytes.set(from, this.#at);
      this.#at += from.length;
    } else {
      this.#copyBytes(from, 0, from.length);
    }
  }

  #copyRange(from: Uint8Array, start: number, end: number): void {
    if (end - start > LOOP_BYTES) {
      this.#bytes.set(new Uint8Array(from.buffer, from.byteOffset + start, end - start), this.#at);
      this.#at += end - start;
    } else {
      this.#copyBytes(from, start, end);
    }
  }

  #copyBytes(from: Uint8Array, start: number, end: number): void {
    const to = this.#bytes;
    let at = this.#at;
    for (let index = start; index < end; index++) to[at++] = from[index] as number;
    this.#at = at;
  }
}

function sizeOfHeaders(headers: Headers): number {
  let size = 0;
  for (const [name, value] of headers) {
    const nameLength = Buffer.byteLength(name);
    const valueLength = value === null ? NULL_LENGTH : value.length;
    size += sizeOfVarint(nameLength) + nameLength;
    size += sizeOfVarint(valueLength) + Math.max(valueLength, 0);
  }
  return size;
}

/** Zigzag doubles a number: 6, 13, 20 and 27 bits of it fit into one to four bytes. */
function sizeOfVarint(value: number): number {
  const magnitude = value < 0 ? ~value : value;
  if (magnitude < 0x40) return 1;
  if (magnitude < 0x2000) return 2;
  if (magnitude < 0x10_0000) return 3;
  return magnitude < 0x800_0000 ? 4 : 5;
}

function sizeOfVarlong(value: number): number {
  const magnitude = value < 0 ? -1 - value : value;
  if (magnitude < TWO_31) return sizeOfVarint(magnitude);
  let size = 5;
  for (let limit = 2 ** 34; magnitude >= limit; limit *= 128) size++;
  return size;
}

function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
