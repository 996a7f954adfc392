import { writeInt32 } from '../../common/bytes.ts';
import { controlType } from '../../wire/control-record.ts';
import type { Crc32c } from '../../wire/crc32c.ts';
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  COMPRESSION_MASK,
  CRC_AT,
  LENGTH_AT,
  LENGTH_ENDS_AT,
  RECORD_COUNT_AT,
  RecordBatch,
} from '../../wire/record-batch.ts';
import type { RecordCursor } from '../../wire/record-cursor.ts';
import type { AbortedRange } from './aborted-transactions.ts';

export interface CompactionOptions {
  /** What lies behind is not decided, and stays. */
  readonly end: number;
  readonly aborted: readonly AbortedRange[];
  readonly cursor: RecordCursor;
  readonly crc32c: Crc32c;
}

/**
 * Keeps the last record of each key, and drops those of aborted transactions. Offsets stay, so batches get holes; markers
 * stay; the last batch of each producer stays with no record in it, since it holds the producer's sequence.
 *
 * Source: `Cleaner` of Kafka. Differs: tombstones and markers are kept for ever, and compressed batches become plain.
 */
export function compactBatches(
  batches: readonly RecordBatch[],
  { end, aborted, cursor, crc32c }: CompactionOptions,
): RecordBatch[] {
  const isAborted = (batch: RecordBatch): boolean =>
    batch.isTransactional &&
    aborted.some(
      ({ producerId, firstOffset, lastOffset }) =>
        producerId === batch.producerId &&
        firstOffset <= batch.baseOffset &&
        batch.lastOffset <= lastOffset,
    );
  const lastByKey = new Map<string, number>();
  const lastOfProducer = new Map<number, RecordBatch>();
  for (const batch of batches) {
    if (batch.lastOffset >= end || batch.isControl) continue;
    if (batch.producerId >= 0) lastOfProducer.set(batch.producerId, batch);
    if (isAborted(batch)) continue;
    cursor.open(batch);
    while (cursor.next()) lastByKey.set(keyOf(cursor), cursor.offset);
  }
  return batches.flatMap((batch) => {
    if (batch.lastOffset >= end || (batch.isControl && controlType(batch, cursor) !== null)) {
      return [batch];
    }
    const drop = isAborted(batch);
    const kept = keepRecords(
      batch,
      cursor,
      () => !drop && lastByKey.get(keyOf(cursor)) === cursor.offset,
      crc32c,
    );
    return kept.recordCount > 0 || lastOfProducer.get(batch.producerId) === batch ? [kept] : [];
  });
}

function keyOf({ bytes, keyStart, keyEnd }: RecordCursor): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + keyStart, keyEnd - keyStart).toString(
    'latin1',
  );
}

/** The batch with some of its records, at their old offsets. */
function keepRecords(
  batch: RecordBatch,
  cursor: RecordCursor,
  isKept: () => boolean,
  crc32c: Crc32c,
): RecordBatch {
  const chunks: Uint8Array[] = [batch.bytes.slice(0, BATCH_HEADER_BYTES)];
  let count = 0;
  cursor.open(batch);
  let at = batch.compression === 'none' ? BATCH_HEADER_BYTES : 0;
  while (cursor.next()) {
    const end = endOfRecord(cursor.bytes, at);
    if (isKept()) {
      chunks.push(cursor.bytes.subarray(at, end));
      count++;
    }
    at = end;
  }
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const attributesAt = ATTRIBUTES_AT + 1;
  bytes[attributesAt] = (bytes[attributesAt] as number) & ~COMPRESSION_MASK;
  writeInt32(bytes, LENGTH_AT, bytes.length - LENGTH_ENDS_AT);
  writeInt32(bytes, RECORD_COUNT_AT, count);
  writeInt32(bytes, CRC_AT, crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  return new RecordBatch(bytes, 0, bytes.length);
}

/** A record begins with its length, a zigzag varint. */
function endOfRecord(bytes: Uint8Array, start: number): number {
  let value = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] as number;
    value |= (byte & 127) << shift;
    if (byte < 128) return at + (value >>> 1);
  }
}
