import { readInt32, readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';
import { StreamsError } from '../common/errors.ts';
import { PageRow, type RowOrder } from './page-row.ts';

/** What the rows of a layout consist of beyond the first number of their order and the value. */
export interface RowShape {
  readonly second: boolean;
  readonly tail: boolean;
  readonly timestamp: boolean;
}

/** An entry of a head page: a page, and the order from which on rows are in it. */
export interface PageRef {
  readonly number: number;
  readonly low: RowOrder;
}

/** What is stored under the first page key of a group: its rows, or where they are. */
export type FirstPage<V> =
  | { readonly rows: PageRow<V>[] }
  | { readonly refs: readonly PageRef[]; readonly nextNumber: number };

const ROWS = 0;
const HEAD = 1;
const INT32 = 4;
const INT64 = 8;

/**
 * Pages as bytes (docs/formats.md).
 *
 *     page     u8 0, rows in order
 *     row      i64 first, [i64 second], [i32 length, tail], [i64 timestamp], i32 length, value
 *     head     u8 1, i32 next page number, then for each page: i32 number, i64 first, [i64 second], [i32 length, tail]
 *
 * Errors: `STREAMS_STATE_CORRUPT` for bytes that are no page.
 */
export class PageFormat<V> {
  readonly #shape: RowShape;
  readonly #rowBytes: number;

  constructor(shape: RowShape) {
    this.#shape = shape;
    this.#rowBytes = this.#orderBytes() + (shape.timestamp ? INT64 : 0) + INT32;
  }

  /** What a row takes in its page; 0 where there is none. */
  bytesOf({ tail, bytes }: Pick<PageRow<V>, 'tail' | 'bytes'>): number {
    return bytes === null ? 0 : this.#rowBytes + (tail?.length ?? 0) + bytes.length;
  }

  /** Rows that hold nothing are left out. */
  page(rows: readonly PageRow<V>[]): Uint8Array {
    let size = 1;
    for (const row of rows) size += this.bytesOf(row);
    const page = new Uint8Array(size);
    let at = 1;
    for (const row of rows) {
      const { bytes } = row;
      if (bytes === null) continue;
      at = this.#writeOrder(page, at, row);
      if (this.#shape.timestamp) {
        writeInt64(page, at, row.timestampMs);
        at += INT64;
      }
      writeInt32(page, at, bytes.length);
      page.set(bytes, at + INT32);
      at += INT32 + bytes.length;
    }
    return page;
  }

  head(refs: readonly PageRef[], nextNumber: number): Uint8Array {
    let size = 1 + INT32;
    for (const { low } of refs) size += INT32 + this.#orderBytes() + (low.tail?.length ?? 0);
    const head = new Uint8Array(size);
    head[0] = HEAD;
    writeInt32(head, 1, nextNumber);
    let at = 1 + INT32;
    for (const { number, low } of refs) {
      writeInt32(head, at, number);
      at = this.#writeOrder(head, at + INT32, low);
    }
    return head;
  }

  /** What is under the first page key. The rows refer to the bytes. */
  readFirst(bytes: Uint8Array): FirstPage<V> {
    if (bytes[0] !== HEAD) return { rows: this.read(bytes) };
    const refs: PageRef[] = [];
    const cursor = new PageCursor(bytes, 1 + INT32);
    while (cursor.more) {
      const number = cursor.int32();
      refs.push({ number, low: this.#readOrder(cursor) });
    }
    return { refs, nextNumber: readInt32(bytes, 1) };
  }

  /** The rows of a page; they refer to its bytes. */
  read(bytes: Uint8Array): PageRow<V>[] {
    if (bytes[0] !== ROWS) throw corrupt();
    const rows: PageRow<V>[] = [];
    const cursor = new PageCursor(bytes, 1);
    while (cursor.more) {
      const { first, second, tail } = this.#readOrder(cursor);
      const timestampMs = this.#shape.timestamp ? cursor.int64() : -1;
      rows.push(new PageRow<V>(first, second, tail, cursor.bytes(), timestampMs));
    }
    return rows;
  }

  #orderBytes(): number {
    const { second, tail } = this.#shape;
    return INT64 + (second ? INT64 : 0) + (tail ? INT32 : 0);
  }

  #writeOrder(page: Uint8Array, start: number, { first, second, tail }: RowOrder): number {
    let at = start;
    writeInt64(page, at, first);
    at += INT64;
    if (this.#shape.second) {
      writeInt64(page, at, second);
      at += INT64;
    }
    if (this.#shape.tail) {
      writeInt32(page, at, tail?.length ?? 0);
      if (tail !== null) page.set(tail, at + INT32);
      at += INT32 + (tail?.length ?? 0);
    }
    return at;
  }

  #readOrder(cursor: PageCursor): RowOrder {
    const first = cursor.int64();
    const second = this.#shape.second ? cursor.int64() : 0;
    return { first, second, tail: this.#shape.tail ? cursor.bytes() : null };
  }
}

/** Reads on through a page; never past its end. */
class PageCursor {
  readonly #page: Uint8Array;
  #at: number;

  constructor(page: Uint8Array, at: number) {
    this.#page = page;
    this.#at = at;
  }

  get more(): boolean {
    return this.#at < this.#page.length;
  }

  int32(): number {
    return readInt32(this.#page, this.#take(INT32));
  }

  int64(): number {
    return readInt64(this.#page, this.#take(INT64));
  }

  /** With their length before them. */
  bytes(): Uint8Array {
    const length = this.int32();
    const from = this.#take(length);
    return this.#page.subarray(from, from + length);
  }

  #take(length: number): number {
    const from = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.#page.length) throw corrupt();
    return from;
  }
}

function corrupt(): StreamsError {
  return new StreamsError('STREAMS_STATE_CORRUPT', 'a page of a store is not readable');
}
