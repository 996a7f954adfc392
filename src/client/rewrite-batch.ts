import { invariant } from '../common/errors.ts';
import { RecordCursor, type RecordCursorOptions } from '../wire/record-cursor.ts';
import { readRecordBatch } from '../wire/record-batch.ts';
import type { RecordBatchWriter } from '../wire/record-batch-writer.ts';
import type { Crc32c } from '../wire/crc32c.ts';

export interface RewriteOptions extends RecordCursorOptions {
  readonly crc32c: Crc32c;
}

/**
 * Deals the records of a finished batch out to other batches, in order. `place` gets a record's index and says which writer
 * takes it, or null to leave it out; the writers have room for all of them.
 */
export function rewriteBatch(
  bytes: Uint8Array,
  place: (index: number) => RecordBatchWriter | null,
  options: RewriteOptions,
): void {
  const batch = readRecordBatch(bytes, 0, options);
  invariant(batch !== null, 'a batch of ours is whole');
  const cursor = new RecordCursor(options);
  cursor.open(batch);
  for (let index = 0; cursor.next(); index++) {
    const writer = place(index);
    if (writer === null) continue;
    const { keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
    const isAppended = writer.appendRange(
      cursor.bytes,
      keyStart,
      keyEnd,
      cursor.bytes,
      valueStart,
      valueEnd,
      timestampMs,
      cursor.headers(),
    );
    invariant(isAppended, 'part of a batch fits where the whole one did');
  }
}
