import type { EntryId } from './entry.ts';
import type { PageRef } from './page-format.ts';
import { compareOrder, type PageRow, type RowOrder } from './page-row.ts';

/** Some rows of a group that follow each other, and are stored together. */
export class Page<V> {
  readonly group: PageGroup<V>;
  /** In its key; 0 is the only page of a group, or the head of one that has several. */
  number: number;
  /** Rows from here on are in it; what is below all pages is in the first. */
  readonly low: RowOrder;
  /** Null while they are in the storage only. */
  rows: PageRow<V>[] | null;
  /** What the rows take as bytes. */
  bytes: number;

  /** Holds what the storage lacks, or soon will (a write that the record cache holds back). */
  dirty = false;
  /** Used since the object budget last looked. */
  used = false;
  /** On the object budget; 0 unless it may be dropped. */
  chargedBytes = 0;

  constructor(
    group: PageGroup<V>,
    { number, low }: PageRef,
    rows: PageRow<V>[] | null,
    bytes: number,
  ) {
    this.group = group;
    this.number = number;
    this.low = low;
    this.rows = rows;
    this.bytes = bytes;
  }
}

/** The rows of one key in one slice of time, in order, in at least one page. */
export class PageGroup<V> {
  readonly slice: number;
  readonly id: EntryId;
  /** True for a key that has an identity. */
  readonly identified: boolean;
  readonly keyBytes: Uint8Array;
  pages: Page<V>[] = [];
  nextNumber = 1;
  /** Which pages there are has changed. */
  headDirty = false;
  /** Numbers of pages that are empty now and have to leave the storage. */
  removed: number[] = [];
  /** Some page, or the head, is dirty. */
  dirty = false;

  constructor(slice: number, id: EntryId, identified: boolean, keyBytes: Uint8Array) {
    this.slice = slice;
    this.id = id;
    this.identified = identified;
    this.keyBytes = keyBytes;
  }

  /** The place of the page that a row is in, or would be. */
  placeOf(first: number, second: number, tail: Uint8Array | null): number {
    let low = 1;
    let high = this.pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const page = this.pages[middle];
      if (page !== undefined && compareOrder(page.low, first, second, tail) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The place of the first row that does not come before an order. */
export function firstNotBefore<V>(
  rows: readonly PageRow<V>[],
  first: number,
  second: number,
  tail: Uint8Array | null,
): number {
  let low = 0;
  let high = rows.length;
  const last = rows[high - 1];
  // Records come roughly in the order of their time: most are put at the end.
  if (last !== undefined && compareOrder(last, first, second, tail) < 0) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && compareOrder(row, first, second, tail) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
