import type { ObjectBudget } from './object-budget.ts';
import type { PageGroup } from './page-group.ts';
import type { RowOrder } from './page-row.ts';
import { ONE_GROUP, PageTable, type PagedRows } from './page-table.ts';
import type { StorageEntry, TaskStorage } from './task-storage.ts';

const SHAPE = { second: true, tail: true, timestamp: false } as const;
/** No time is in this slice, so no range of slices that has expired covers it. */
const SLICE = -1;
const NO_BYTES = new Uint8Array(0);

export interface TimeIndexOptions {
  readonly storage: TaskStorage;
  readonly store: number;
  readonly budget: ObjectBudget;
}

/** Which rows a windowed store has, by time, then second number, then key bytes; in packed pages beside the rows. */
export class TimeIndex implements PagedRows {
  readonly #table: PageTable<null, never>;

  constructor(options: TimeIndexOptions) {
    this.#table = new PageTable({ ...options, keys: ONE_GROUP, shape: SHAPE });
  }

  add({ first, second }: RowOrder, keyBytes: Uint8Array): void {
    const group = this.#begin();
    const row = this.#table.place(group, first, second, keyBytes);
    if (row.bytes === null) this.#table.write(group, row, NO_BYTES, -1);
  }

  remove({ first, second }: RowOrder, keyBytes: Uint8Array): void {
    const group = this.#begin();
    const row = this.#table.get(group, first, second, keyBytes);
    if (row !== undefined && row.bytes !== null) this.#table.write(group, row, null, -1);
  }

  /** With times in `[fromMs, toMs]`. Lazily: what is added or removed meanwhile is seen from where it stands. */
  *between(fromMs: number, toMs: number): Generator<RowOrder> {
    const start = { first: fromMs, second: -Infinity, tail: null };
    for (let row = this.#table.next(this.#begin(), start); row !== null;) {
      if (row.first > toMs) return;
      yield row;
      row = this.#table.next(this.#begin(), row);
    }
  }

  /** Forgets what is older, as far as whole pages are; the next commit has them deleted. */
  dropBefore(timeMs: number): void {
    this.#table.dropBefore(this.#begin(), timeMs);
  }

  undo(): void {
    this.#table.undo();
  }

  get dirtyBytes(): number {
    return this.#table.dirtyBytes;
  }

  seal(): readonly StorageEntry[] {
    return this.#table.seal();
  }

  written(): void {
    this.#table.written();
  }

  restored(): readonly StorageEntry[] {
    return this.#table.restored();
  }

  clear(): void {
    this.#table.clear();
  }

  close(): void {
    this.#table.close();
  }

  dropSlicesBefore(): void {
    // What has expired leaves by `dropBefore`.
  }

  beginUndo(): void {
    this.#table.beginUndo();
  }

  endUndo(): void {
    this.#table.endUndo();
  }

  #begin(): PageGroup<never> {
    this.#table.begin();
    return this.#table.group(SLICE, null);
  }
}
