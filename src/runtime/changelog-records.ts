import type { RestoredRecord } from '../state/managed-store.ts';
import type { RecordChunk, RecordCursor } from './record-chunk.ts';

/**
 * The records of a chunk of a changelog, as a store takes them back. Each is valid until the next is asked for: its
 * bytes are views of the response.
 */
export function* changelogRecords(
  { batches, startOffset }: RecordChunk,
  cursor: RecordCursor,
): Generator<RestoredRecord> {
  for (const batch of batches) {
    cursor.open(batch);
    while (cursor.next()) {
      // No changelog record of ours lacks a key; a compacted topic refuses one.
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
