import { compareBytes } from '../common/bytes.ts';
import type { Row, RowFormat } from './row.ts';
import type { StorageRange, TaskStorage } from './task-storage.ts';

/** A row that the storage does not have yet; its bytes are null where it was deleted. */
export interface UnwrittenRow {
  readonly databaseKey: Uint8Array;
  readonly row: Row;
}

export interface ScanOptions {
  readonly storage: TaskStorage;
  readonly format: RowFormat;
  /** In ascending order, apart from each other. */
  readonly ranges: readonly StorageRange[];
  readonly reverse: boolean;
  /** The rows above the storage, in any order; those outside the ranges do not count. */
  readonly unwritten: () => UnwrittenRow[];
}

/**
 * The rows of some ranges in key order: those of the storage with those above it laid over them. A snapshot as of the
 * first read: that is when the unwritten rows are collected and the storage's iterators opened, in one go.
 *
 * `project` makes of a row what the caller yields; undefined leaves it out.
 */
export async function* scanRows<T>(
  { storage, format, ranges, reverse, unwritten }: ScanOptions,
  project: (databaseKey: Uint8Array, row: Row) => T | undefined,
): AsyncGenerator<T, void, undefined> {
  const sign = reverse ? -1 : 1;
  const order = (a: Uint8Array, b: Uint8Array): number => sign * compareBytes(a, b);
  const above = unwritten()
    .filter(({ databaseKey }) => ranges.some((range) => contains(range, databaseKey)))
    .sort((a, b) => order(a.databaseKey, b.databaseKey));
  const iterators = (reverse ? [...ranges].reverse() : ranges).map((range) =>
    storage.iterate(range, { reverse })[Symbol.asyncIterator](),
  );

  let at = 0;
  try {
    for (const iterator of iterators) {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        const [key, stored] = next.value;
        let hidden = false;
        for (let over = above[at]; over !== undefined; over = above[++at]) {
          const compared = order(over.databaseKey, key);
          if (compared > 0) break;
          const projected =
            over.row.bytes === null ? undefined : project(over.databaseKey, over.row);
          if (projected !== undefined) yield projected;
          if (compared === 0) hidden = true;
        }
        const projected = hidden ? undefined : project(key, format.fromStorage(stored));
        if (projected !== undefined) yield projected;
      }
    }
    for (const { databaseKey, row } of above.slice(at)) {
      const projected = row.bytes === null ? undefined : project(databaseKey, row);
      if (projected !== undefined) yield projected;
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}

function contains({ from, to }: StorageRange, key: Uint8Array): boolean {
  return compareBytes(key, from) >= 0 && compareBytes(key, to) < 0;
}
