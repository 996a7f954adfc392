import type { RestoredRecord } from '../state/managed-store.ts';
import type { RecordChunk, RecordCursor } from './record-chunk.ts';

/**
 * The records of a chunk of a changelog below an offset, as a store takes them back. Each is valid until the next is asked for: its
 * bytes are views of the response.
 */
export function* changelogRecords(
  { batches, startOffset }: RecordChunk,
  cursor: RecordCursor,
  endOffset: number,
): Generator<RestoredRecord> {
  for (const batch of batches) {
    cursor.open(batch);
    while (cursor.next()) {
      if (cursor.offset >= endOffset) return;
      // No changelog record of ours lacks a key; one of a source topic may, and changes no table.
      if (cursor.offset < startOffset || cursor.keyStart < 0) continue;
      const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
      yield {
        key: bytes.subarray(keyStart, keyEnd),
        value: valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd),
        timestampMs,
      };
    }
  }
}
