import { readInt64, writeInt64 } from '../common/bytes.ts';
import { bufferValueFromBytes, residentBytes, type BufferValue } from './buffer-value.ts';
import { bufferMetaKey } from './database-keys.ts';
import type { ObjectBudget } from './object-budget.ts';
import type { PageGroup } from './page-group.ts';
import type { PageRow } from './page-row.ts';
import { ONE_GROUP, PageTable } from './page-table.ts';
import type { StorageEntry, TaskStorage } from './task-storage.ts';

const SHAPE = { second: false, tail: true, timestamp: false } as const;
const SLICE = 0;
const INT64 = 8;

/** What a buffer counts; kept with its rows. */
interface Counts {
  readonly records: number;
  readonly bytes: number;
  /** The highest time seen; -1 at first. */
  readonly observedMs: number;
}

const NOTHING: Counts = { records: 0, bytes: 0, observedMs: -1 };

export interface BufferPagesOptions {
  readonly storage: TaskStorage;
  readonly store: number;
  readonly budget: ObjectBudget;
  /** Of the key, as Kafka Streams counts it. */
  readonly keyBytes: (tail: Uint8Array) => number;
}

/**
 * The rows of a buffer in packed pages: one group, ordered by time, then bytes. Knows how many there are and what they
 * take, through commits and aborts.
 */
export class BufferPages {
  readonly table: PageTable<null, never>;
  readonly #metaKey: Uint8Array;
  readonly #keyBytes: (tail: Uint8Array) => number;
  #counts: Counts = NOTHING;
  #committed: Counts = NOTHING;
  #beforeUndo: Counts = NOTHING;

  constructor({ storage, store, budget, keyBytes }: BufferPagesOptions) {
    this.table = new PageTable({ storage, store, keys: ONE_GROUP, shape: SHAPE, budget });
    this.#metaKey = bufferMetaKey(store);
    this.#keyBytes = keyBytes;
    const kept = storage.get(this.#metaKey);
    if (kept !== undefined) {
      const [records = 0, bytes = 0, observedMs = 0] = [0, 1, 2].map((at) =>
        readInt64(kept, at * INT64),
      );
      this.#counts = this.#committed = { records, bytes, observedMs };
    }
  }

  get records(): number {
    return this.#counts.records;
  }

  get bytes(): number {
    return this.#counts.bytes;
  }

  get observedMs(): number {
    return this.#counts.observedMs;
  }

  observe(timeMs: number): void {
    if (timeMs > this.observedMs) this.#counts = { ...this.#counts, observedMs: timeMs };
  }

  /** The oldest row; null where there is none. Good until the next call. */
  oldest(): PageRow<never> | null {
    return this.table.next(this.#begin(), null);
  }

  get(timeMs: number, tail: Uint8Array): BufferValue | null {
    const bytes = this.table.get(this.#begin(), timeMs, 0, tail)?.bytes ?? null;
    return bytes === null ? null : bufferValueFromBytes(bytes);
  }

  /** Null takes the row out. The tail must be the callee's to keep. */
  set(timeMs: number, tail: Uint8Array, bytes: Uint8Array | null): void {
    const group = this.#begin();
    const row = this.table.place(group, timeMs, 0, tail);
    const before = this.#sizeOf(row.bytes, tail);
    const { records, bytes: total, observedMs } = this.#counts;
    const growth = this.#sizeOf(bytes, tail) - before;
    const count = records + (bytes === null ? 0 : 1) - (row.bytes === null ? 0 : 1);
    this.#counts = { records: count, bytes: total + growth, observedMs };
    this.table.write(group, row, bytes, -1);
  }

  /** To be stored beside the rows; from here on the counts are committed. */
  facts(): readonly StorageEntry[] {
    if (this.#counts === this.#committed) return [];
    this.#committed = this.#counts;
    const { records, bytes, observedMs } = this.#counts;
    const value = new Uint8Array(3 * INT64);
    writeInt64(value, 0, records);
    writeInt64(value, INT64, bytes);
    writeInt64(value, 2 * INT64, observedMs);
    return [[this.#metaKey, value]];
  }

  discard(): void {
    this.#counts = this.#committed;
  }

  beginUndo(): void {
    this.#beforeUndo = this.#counts;
  }

  undo(): void {
    this.table.undo();
    this.#counts = this.#beforeUndo;
  }

  #sizeOf(bytes: Uint8Array | null, tail: Uint8Array): number {
    if (bytes === null) return 0;
    return this.#keyBytes(tail) + residentBytes(bufferValueFromBytes(bytes));
  }

  #begin(): PageGroup<never> {
    this.table.begin();
    return this.table.group(SLICE, null);
  }
}
