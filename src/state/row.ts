import { readInt64, writeInt64 } from '../common/bytes.ts';

/** One row of a store as bytes. Immutable, so that layers and undo lists can share it. */
export class Row {
  /** The serialized value; null where there is no row. */
  readonly bytes: Uint8Array | null;
  /** Of the update that wrote it; -1 in layouts that do not keep it. */
  readonly timestampMs: number;

  constructor(bytes: Uint8Array | null, timestampMs: number) {
    this.bytes = bytes;
    this.timestampMs = timestampMs;
  }
}

export const NO_ROW = new Row(null, -1);

/** How a row is written in the storage (docs/formats.md). */
export interface RowFormat {
  /** Null deletes. */
  toStorage(row: Row): Uint8Array | null;
  fromStorage(stored: Uint8Array): Row;
  /** As `toStorage`, of a changelog record, whose bytes may be reused afterwards. */
  fromChangelog(value: Uint8Array, timestampMs: number): Uint8Array;
}

export const PLAIN_ROWS: RowFormat = {
  toStorage: (row) => row.bytes,
  fromStorage: (stored) => new Row(stored, -1),
  fromChangelog: (value) => new Uint8Array(value),
};

const TIMESTAMP_BYTES = 8;

export const TIMESTAMPED_ROWS: RowFormat = {
  toStorage: (row) => (row.bytes === null ? null : withTimestamp(row.bytes, row.timestampMs)),
  fromStorage: (stored) => new Row(stored.subarray(TIMESTAMP_BYTES), readInt64(stored, 0)),
  fromChangelog: withTimestamp,
};

function withTimestamp(value: Uint8Array, timestampMs: number): Uint8Array {
  const stored = new Uint8Array(TIMESTAMP_BYTES + value.length);
  writeInt64(stored, 0, timestampMs);
  stored.set(value, TIMESTAMP_BYTES);
  return stored;
}
