import { compareBytes } from '../common/bytes.ts';
import type { CachedRow } from './cached-rows.ts';
import type { HeldWrite } from './entry.ts';
import type { PageGroup } from './page-group.ts';

/** Where a row stands among those of its group: by two numbers, then by bytes. */
export interface RowOrder {
  readonly first: number;
  /** 0 in layouts that do not use it; `-Infinity` to search from the beginning. */
  readonly second: number;
  /** Null in layouts that do not use it. */
  readonly tail: Uint8Array | null;
}

/** One logical entry of a paged store in memory. Its place never changes; what it holds does. */
export class PageRow<V> implements RowOrder, CachedRow<V, PageRow<V>> {
  readonly first: number;
  readonly second: number;
  readonly tail: Uint8Array | null;
  /** Whose row it is; null in what was decoded for a query. */
  group: PageGroup<V> | null = null;
  /** The serialized value; null where there is no row (any more). Never written in place. */
  bytes: Uint8Array | null;
  /** Of the update that wrote it; -1 in layouts that do not keep it. */
  timestampMs: number;
  /** The newest value as an object, if somebody keeps one. */
  live: V | undefined = undefined;
  /** A newer write that the record cache holds back. */
  held: HeldWrite | null = null;
  /** The undo list that has its former state. */
  undoGeneration = 0;

  list: object | null = null;
  previous: PageRow<V> | null = null;
  next: PageRow<V> | null = null;

  constructor(
    first: number,
    second: number,
    tail: Uint8Array | null,
    bytes: Uint8Array | null,
    timestampMs: number,
  ) {
    this.first = first;
    this.second = second;
    this.tail = tail;
    this.bytes = bytes;
    this.timestampMs = timestampMs;
  }
}

export function compareOrder(
  a: RowOrder,
  first: number,
  second: number,
  tail: Uint8Array | null,
): number {
  if (a.first !== first) return a.first < first ? -1 : 1;
  if (a.second !== second) return a.second < second ? -1 : 1;
  if (a.tail === null) return tail === null ? 0 : -1;
  return tail === null ? 1 : compareBytes(a.tail, tail);
}
