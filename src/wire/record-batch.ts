import { readInt32, readInt64 } from '../common/bytes.ts';
import type { ErrorSite } from '../common/errors.ts';
import { StreamsError } from '../common/errors.ts';
import type { CompressionName } from './compression.ts';
import { COMPRESSION_NAMES } from './compression.ts';
import type { Crc32c } from './crc32c.ts';

/**
 * Where the header of a record batch, format 2, has what. The checksum covers everything behind itself.
 *
 *      0  base offset                 i64     23  last offset - base offset   i32
 *      8  bytes that follow           i32     27  base timestamp              i64
 *     12  leader epoch                i32     35  max timestamp               i64
 *     16  format ("magic")            i8      43  producer id                 i64
 *     17  CRC-32C                     u32     51  producer epoch              i16
 *     21  attributes                  i16     53  first sequence              i32
 *                                             57  records                     i32
 *     61  the records, compressed or not
 */
export const BATCH_HEADER_BYTES = 61;
export const LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;

export const MAGIC = 2;
/** A length counts from behind itself. */
export const LENGTH_ENDS_AT = 12;

export const COMPRESSION_MASK = 0x07;
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;

/** Length, attributes, timestamp, offset, key length, value length, header count: a byte each. */
const MIN_RECORD_BYTES = 7;

export interface RecordBatchReaderOptions {
  readonly crc32c: Crc32c;
  /** Topic and partition, for errors. */
  readonly site: ErrorSite;
}

/**
 * The header of one batch, as numbers. Its records stay where they are, in `bytes[start, end)`; `RecordCursor` walks them.
 *
 * A batch may hold fewer records than its offsets span, or none, after compaction; the position behind it is always
 * `nextOffset`. Timestamps are those of the header: `RecordCursor` knows what a record's is.
 */
export class RecordBatch {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  /** -1 where the producer is not idempotent; then epoch and sequence are -1 too. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.baseOffset = readInt64(bytes, start);
    this.lastOffset = this.baseOffset + readInt32(bytes, start + LAST_OFFSET_DELTA_AT);
    this.leaderEpoch = readInt32(bytes, start + LEADER_EPOCH_AT);
    this.attributes = readInt16(bytes, start + ATTRIBUTES_AT);
    this.baseTimestampMs = readInt64(bytes, start + BASE_TIMESTAMP_AT);
    this.maxTimestampMs = readInt64(bytes, start + MAX_TIMESTAMP_AT);
    this.producerId = readInt64(bytes, start + PRODUCER_ID_AT);
    this.producerEpoch = readInt16(bytes, start + PRODUCER_EPOCH_AT);
    this.baseSequence = readInt32(bytes, start + BASE_SEQUENCE_AT);
    this.recordCount = readInt32(bytes, start + RECORD_COUNT_AT);
  }

  /** The position of a reader that is through with this batch. */
  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  get sizeBytes(): number {
    return this.end - this.start;
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL) !== 0;
  }

  /** Control batches hold a marker, not data: `controlType` says which. */
  get isControl(): boolean {
    return (this.attributes & CONTROL) !== 0;
  }

  /** The broker's clock, `maxTimestampMs`, is the time of every record. */
  get isLogAppendTime(): boolean {
    return (this.attributes & LOG_APPEND_TIME) !== 0;
  }

  get compression(): CompressionName {
    // Checked when the batch was read.
    return COMPRESSION_NAMES[this.attributes & COMPRESSION_MASK] as CompressionName;
  }
}

/**
 * Reads the batch at `start` of a `records` field; the next one is at its `end`. Null when no whole batch is left: a broker
 * cuts the field at the size that was asked for, in the middle of a batch.
 *
 * The checksum is checked here, before anything of the header is believed: a wrong flag or length would lose records
 * silently. `STREAMS_CORRUPT_MESSAGE`, with the offset, when it is wrong, when the format is not 2, and when a number
 * cannot be: offsets and times beyond 2^53, more records than bytes or offsets, an unknown compression.
 */
export function readRecordBatch(
  bytes: Uint8Array,
  start: number,
  { crc32c, site }: RecordBatchReaderOptions,
): RecordBatch | null {
  if (start + BATCH_HEADER_BYTES > bytes.length) return null;
  const magic = bytes[start + MAGIC_AT] as number;
  if (magic !== MAGIC) {
    throw corruptBatch(bytes, start, site, `its format is ${magic}, only ${MAGIC} is read`);
  }
  const length = readInt32(bytes, start + LENGTH_AT);
  if (length < BATCH_HEADER_BYTES - LENGTH_ENDS_AT) {
    throw corruptBatch(bytes, start, site, `its length is ${length}`);
  }
  const end = start + LENGTH_ENDS_AT + length;
  if (end > bytes.length) return null;

  const stored = readInt32(bytes, start + CRC_AT) >>> 0;
  const computed = crc32c(bytes, start + ATTRIBUTES_AT, end);
  if (stored !== computed) {
    throw corruptBatch(bytes, start, site, `its checksum is ${computed}, not ${stored}`);
  }
  const batch = new RecordBatch(bytes, start, end);
  const problem = problemOf(batch);
  if (problem !== null) throw corruptBatch(bytes, start, site, problem);
  return batch;
}

function problemOf(batch: RecordBatch): string | null {
  const { baseOffset, lastOffset, recordCount, attributes } = batch;
  if (baseOffset < 0 || lastOffset < baseOffset || !Number.isSafeInteger(lastOffset + 1)) {
    return `it ends at offset ${lastOffset}`;
  }
  if (recordCount < 0 || recordCount > lastOffset - baseOffset + 1) {
    return `it has ${recordCount} records in ${lastOffset - baseOffset + 1} offsets`;
  }
  if ((attributes & COMPRESSION_MASK) >= COMPRESSION_NAMES.length) {
    return `its compression is ${attributes & COMPRESSION_MASK}, which Kafka does not have`;
  }
  if (
    batch.compression === 'none' &&
    recordCount * MIN_RECORD_BYTES > batch.sizeBytes - BATCH_HEADER_BYTES
  ) {
    return `it has ${recordCount} records in ${batch.sizeBytes} bytes`;
  }
  if (!Number.isSafeInteger(batch.baseTimestampMs) || !Number.isSafeInteger(batch.maxTimestampMs)) {
    return 'it has a time beyond 2^53';
  }
  return Number.isSafeInteger(batch.producerId) ? null : 'its producer id is beyond 2^53';
}

function corruptBatch(
  bytes: Uint8Array,
  start: number,
  site: ErrorSite,
  problem: string,
): StreamsError {
  const offset = readInt64(bytes, start);
  return new StreamsError(
    'STREAMS_CORRUPT_MESSAGE',
    `a record batch is broken: ${problem}. Read it with Kafka's own consumer: if that fails too, the log of the broker ` +
      'is damaged there',
    { site: { ...site, offset } },
  );
}

export function readInt16(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
}
