import type { RecordBatch } from './record-batch.ts';
import { readInt16 } from './record-batch.ts';
import type { RecordCursor } from './record-cursor.ts';

/** How a transaction ended on this partition. */
export type ControlType = 'abort' | 'commit';

/** The key of a control record: version i16, type i16. */
const TYPE_AT = 2;
const KEY_BYTES = 4;
const ABORT = 0;
const COMMIT = 1;

/**
 * What the marker in a control batch says; null for other control records and for a batch whose marker is gone. `cursor` is
 * one of the caller's to read it with.
 */
export function controlType(batch: RecordBatch, cursor: RecordCursor): ControlType | null {
  cursor.open(batch);
  if (!cursor.next() || cursor.keyEnd - cursor.keyStart < KEY_BYTES) return null;
  const type = readInt16(cursor.bytes, cursor.keyStart + TYPE_AT);
  if (type === ABORT) return 'abort';
  return type === COMMIT ? 'commit' : null;
}
