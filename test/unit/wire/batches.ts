import { nodeCodecs } from '../../../src/adapters/compression/node-codecs.ts';
import type { Headers } from '../../../src/common/record.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';
import type { RecordBatch } from '../../../src/wire/record-batch.ts';
import { readRecordBatch } from '../../../src/wire/record-batch.ts';
import type { BatchProducer } from '../../../src/wire/record-batch-writer.ts';
import { RecordBatchWriter } from '../../../src/wire/record-batch-writer.ts';
import { RecordCursor } from '../../../src/wire/record-cursor.ts';

/** A record as a test writes and reads it. */
export interface PlainRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
}

export const SITE = { topic: 'clicks', partition: 3 };
const MAX_DECOMPRESSED_BYTES = 1 << 20;

export function newCursor(codecs = nodeCodecs()): RecordCursor {
  return new RecordCursor({ codecs, maxDecompressedBytes: MAX_DECOMPRESSED_BYTES, site: SITE });
}

export function readBatches(bytes: Uint8Array): RecordBatch[] {
  const batches: RecordBatch[] = [];
  const options = { crc32c, site: SITE };
  let batch = readRecordBatch(bytes, 0, options);
  for (; batch !== null; batch = readRecordBatch(bytes, batch.end, options)) batches.push(batch);
  return batches;
}

export function readRecords(bytes: Uint8Array, cursor = newCursor()): PlainRecord[] {
  const records: PlainRecord[] = [];
  for (const batch of readBatches(bytes)) {
    cursor.open(batch);
    while (cursor.next()) {
      const { offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = cursor;
      const key = keyEnd < 0 ? null : cursor.bytes.slice(keyStart, keyEnd);
      const value = valueEnd < 0 ? null : cursor.bytes.slice(valueStart, valueEnd);
      records.push({ offset, timestampMs, key, value, headers: cursor.headers() });
    }
  }
  return records;
}

export function writeRecords(
  records: readonly Omit<PlainRecord, 'offset'>[],
  producer?: BatchProducer,
): Uint8Array {
  const writer = new RecordBatchWriter({ batchBytes: 1 << 20, crc32c });
  for (const { key, value, timestampMs, headers } of records) {
    writer.append(key, value, timestampMs, headers);
  }
  return writer.finish(producer);
}

/** Recomputes the checksum of a batch that a test has changed. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(17, crc32c(bytes, 21, bytes.length));
  return bytes;
}
