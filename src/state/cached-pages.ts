import { copyBytes } from '../common/byte-pool.ts';
import { StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { Serdes } from '../serde/serde.ts';
import { CachedRows, type RowHome } from './cached-rows.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { RowShape } from './page-format.ts';
import type { PageGroup } from './page-group.ts';
import type { PageRow, RowOrder } from './page-row.ts';
import { PageTable, type PagedRows } from './page-table.ts';
import { PagedStore } from './paged-store.ts';
import type { StoreKind } from './store-builder.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import { storeMoved } from './store-moved.ts';
import type { StoreLayout } from './task-storage.ts';
import { TimeIndex } from './time-index.ts';
import { WindowRetention } from './window-retention.ts';
import type { TimeRange } from './window-store.ts';

export interface CachedPagesOptions<K, V> {
  readonly name: string;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly retentionMs: number;
  /** Rows can be had by time over all keys. */
  readonly timeIndex: boolean;
}

/** What tells one kind of store from another. The first number of a row's order is its time. */
export interface CachedPagesKind<K, V> {
  readonly kind: StoreKind;
  readonly layout: StoreLayout;
  readonly shape: RowShape;
  /** Key of a row's changelog records. */
  logKey(keyBytes: Uint8Array, order: RowOrder): Uint8Array;
  /** From it to the place of the row; `keyLength` bytes of it are the key. */
  placeOf(logKey: Uint8Array): RowOrder & { readonly keyLength: number };
  readonly tell: (
    key: K,
    row: PageRow<V>,
    newValue: V | null,
    oldValue: V | null,
    timestampMs: number,
    headers: Headers,
  ) => void;
}

/**
 * Windowed aggregates in packed pages: rows that are read by key and range, cached and forwarded like those of a
 * `StoreEngine`. A group for each key and slice of time; what sessions and windows have in common.
 */
export class CachedPages<K, V> implements RowHome<V, PageRow<V>> {
  readonly name: string;
  readonly codec: StoreCodec<K, V>;
  readonly retention: WindowRetention;
  readonly rows: CachedRows<K, V, PageRow<V>>;
  readonly #context: StoreContext;
  readonly #kind: CachedPagesKind<K, V>;
  readonly #table: PageTable<K, V>;
  readonly #index: TimeIndex | null;
  #undoing = false;
  #closed = false;

  constructor(
    options: CachedPagesOptions<K, V>,
    kind: CachedPagesKind<K, V>,
    context: StoreContext,
  ) {
    const { name, serdes, persistent, cachingEnabled, retentionMs } = options;
    const { storage, changelogTopic, objects: budget } = context;
    const { layout, shape } = kind;
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.name = name;
    this.codec = new StoreCodec(name, changelogTopic, serdes);
    this.retention = new WindowRetention({ storage, store, retentionMs });
    this.rows = new CachedRows({ codec: this.codec, context, cachingEnabled, home: this });
    this.#context = context;
    this.#kind = kind;
    this.#table = new PageTable({ storage, store, keys: this.codec, shape, budget });
    this.#index = options.timeIndex ? new TimeIndex({ storage, store, budget }) : null;
  }

  /** With its life cycle, and the face by which others have it. */
  managed(face: object): PagedStore {
    const { rows, retention } = this;
    const table = this.#table;
    const index = this.#index;
    const tables: PagedRows[] = index === null ? [table] : [table, index];
    return new PagedStore({
      name: this.name,
      kind: this.#kind.kind,
      face,
      tables,
      retention,
      restore: (record) => {
        this.#restore(record);
      },
      undo: () => {
        this.#undoing = false;
        const touched = table.undo();
        index?.undo();
        rows.relink(touched);
      },
      hooks: {
        beginUndo: () => {
          this.#undoing = true;
        },
        endUndo: () => {
          this.#undoing = false;
        },
        isUnflushed: () => rows.unflushed,
        flush: () => {
          rows.flush();
        },
        discard: () => {
          this.#undoing = false;
          rows.forget();
        },
        expired: () => index?.dropBefore(this.#firstInTime(retention.committedExpiredUpToMs)),
        close: () => {
          this.#closed = true;
          rows.forget();
        },
      },
    });
  }

  // Rows

  /** Null where there is none, or it has expired. Good until the next call. */
  find(key: K, first: number, second: number): PageRow<V> | null {
    this.#requireKey(key);
    this.#table.begin();
    if (!(first > this.#expiredUpToMs) || first < 0) return null;
    const group = this.#table.group(this.retention.keys.slice(first), key);
    return this.#table.get(group, first, second, null) ?? null;
  }

  /** As `find`, for a row whose object the caller may change. */
  findToChange(key: K, first: number, second: number): PageRow<V> | null {
    const row = this.find(key, first, second);
    if (row !== null && this.#undoing) this.rows.remember(row);
    return row;
  }

  /** Null for one that has expired, which is counted. */
  rowToWrite(key: K, first: number, second: number): PageRow<V> | null {
    this.#requireKey(key);
    if (!Number.isSafeInteger(first) || first < 0) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        `${first} is no window start, or end of a session: give whole milliseconds from 0`,
        { site: { store: this.name } },
      );
    }
    if (!this.#observe(first)) {
      this.#context.dropExpiredWindow();
      return null;
    }
    this.#table.begin();
    const group = this.#table.group(this.retention.keys.slice(first), key);
    const row = this.#table.place(group, first, second, null);
    if (this.#undoing) this.rows.remember(row);
    return row;
  }

  /**
   * False where a write comes too late. A moment later than reads: a windowed operator takes records until then, and its
   * results must not be lost.
   */
  #observe(first: number): boolean {
    return this.retention.observe(first) || first >= this.retention.expiredUpToMs;
  }

  /** The rows of a key with times in a range that have a value, oldest first. Good until the next call. */
  rowsOf(key: K, { fromMs, toMs }: TimeRange): PageRow<V>[] {
    this.#requireKey(key);
    this.#table.begin();
    const { observedMs, keys } = this.retention;
    const from = Math.max(fromMs, this.#expiredUpToMs + 1, 0);
    const to = Math.min(toMs, observedMs);
    const found: PageRow<V>[] = [];
    if (from > to) return found;
    const visit = (row: PageRow<V>): boolean => {
      if (row.first > to) return false;
      if (this.hasValue(row)) found.push(row);
      return true;
    };
    const lastSlice = keys.slice(to);
    for (let slice = keys.slice(from); slice <= lastSlice; slice++) {
      this.#table.forEachFrom(this.#table.group(slice, key), from, -Infinity, visit);
    }
    return found;
  }

  /** Rows with this time and older ones cannot be read. Windows that are emitted when they close can, for a moment more. */
  get #expiredUpToMs(): number {
    const { expiredUpToMs } = this.retention;
    return this.#index !== null && this.#kind.kind === 'window' ? expiredUpToMs - 1 : expiredUpToMs;
  }

  /**
   * From where on rows can be had by time. Later than by key, as in Kafka Streams, since a window closes when its time is
   * up: windows for a moment more, sessions as long as their slice is kept.
   */
  #firstInTime(expiredUpToMs: number): number {
    return this.#kind.kind === 'session'
      ? this.retention.firstKeptMs(expiredUpToMs)
      : Math.max(0, expiredUpToMs);
  }

  hasValue({ held, bytes }: PageRow<V>): boolean {
    return held === null ? bytes !== null : held.bytes !== null;
  }

  timestampOf({ held, timestampMs }: PageRow<V>): number {
    return held === null ? timestampMs : held.timestampMs;
  }

  /** Rows of all keys with times in a range, by time, then second number, then key bytes. */
  *inTime({
    fromMs,
    toMs,
  }: TimeRange): Generator<readonly [keyBytes: Uint8Array, row: PageRow<V>]> {
    if (this.#index === null) {
      throw new StreamsError('STREAMS_INVARIANT', 'this store was built without a time index', {
        site: { store: this.name },
      });
    }
    const from = Math.max(fromMs, this.#firstInTime(this.retention.expiredUpToMs));
    for (const { first, second, tail } of this.#index.between(from, toMs)) {
      if (tail === null) continue;
      this.#table.begin();
      const group = this.#table.groupOfBytes(this.retention.keys.slice(first), tail);
      const row = this.#table.get(group, first, second, null);
      if (row !== undefined && this.hasValue(row)) yield [tail, row];
    }
  }

  // Queries

  /** The rows of a key with times in a range, as committed. */
  committedRowsOf(key: K, { fromMs, toMs }: TimeRange): PageRow<V>[] {
    this.#requireKey(key);
    this.#requireOpen();
    const { committedExpiredUpToMs, committedMs, keys } = this.retention;
    const from = Math.max(fromMs, committedExpiredUpToMs + 1, 0);
    const to = Math.min(toMs, committedMs);
    if (from > to) return [];
    const found: PageRow<V>[] = [];
    const keyBytes = this.codec.keyToBytes(key);
    for (let slice = keys.slice(from); slice <= keys.slice(to); slice++) {
      for (const row of this.#table.committedRows(slice, keyBytes)) {
        if (row.first >= from && row.first <= to) found.push(row);
      }
    }
    return found;
  }

  /** Rows of all keys with times in a range, slice by slice, by key bytes and then time; as committed or as the task sees them. */
  async *scan(
    { fromMs, toMs }: TimeRange,
    committed: boolean,
  ): AsyncGenerator<readonly [key: K, row: PageRow<V>]> {
    const { keys, committedExpiredUpToMs, expiredUpToMs, committedMs, observedMs } = this.retention;
    const from = Math.max(fromMs, (committed ? committedExpiredUpToMs : expiredUpToMs) + 1, 0);
    const to = Math.min(toMs, committed ? committedMs : observedMs);
    if (from > to) return;
    const range = keys.slices(keys.slice(from), keys.slice(to) + 1);
    this.#requireOpen();
    for await (const [slice, keyBytes] of this.#table.groupsIn(range, committed)) {
      this.#requireOpen();
      const key = this.codec.keyFromBytes(keyBytes);
      const rows = committed
        ? this.#table.committedRows(slice, keyBytes)
        : this.rowsOf(key, {
            fromMs: Math.max(from, slice * keys.sliceMs),
            toMs: Math.min(to, (slice + 1) * keys.sliceMs - 1),
          });
      for (const row of rows) {
        if (row.first >= from && row.first <= to && this.hasValue(row)) yield [key, row];
      }
    }
  }

  // The home of rows, for `CachedRows`

  bytesBelow(row: PageRow<V>): Uint8Array | null {
    return row.bytes;
  }

  write(
    row: PageRow<V>,
    bytes: Uint8Array | null,
    timestampMs: number,
    logTimestampMs: number,
  ): void {
    const group = this.#groupOf(row);
    this.#table.write(group, row, bytes, timestampMs);
    if (bytes === null) this.#index?.remove(row, group.keyBytes);
    else this.#index?.add(row, group.keyBytes);
    const { changelog } = this.#context;
    changelog?.append(this.#kind.logKey(group.keyBytes, row), bytes, logTimestampMs);
  }

  pin(row: PageRow<V>): void {
    const group = this.#groupOf(row);
    this.#table.pin(group, row);
    this.#index?.add(row, group.keyBytes);
  }

  /** Its page stays until it is sealed: so a row that was held back, and not written in the end. */
  unpin(row: PageRow<V>): void {
    if (row.bytes === null) this.#index?.remove(row, this.#groupOf(row).keyBytes);
  }

  remember(row: PageRow<V>): void {
    this.#table.remember(row);
  }

  keyLength(row: PageRow<V>): number {
    return this.#groupOf(row).keyBytes.length + (this.#kind.shape.second ? 16 : 12);
  }

  valueLength(row: PageRow<V>): number {
    return row.bytes?.length ?? 0;
  }

  tell(
    row: PageRow<V>,
    newValue: V | null,
    oldValue: V | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    const key = this.codec.keyFromBytes(this.#groupOf(row).keyBytes);
    this.#kind.tell(key, row, newValue, oldValue, timestampMs, headers);
  }

  #groupOf({ group }: PageRow<V>): PageGroup<V> {
    if (group !== null) return group;
    throw new StreamsError('STREAMS_INVARIANT', 'a row of a query is not written', {
      site: { store: this.name },
    });
  }

  #restore({ key, value, timestampMs }: RestoredRecord): void {
    const { first, second, keyLength } = this.#kind.placeOf(key);
    if (!this.#observe(first)) return;
    this.#table.begin();
    const keyBytes = key.subarray(0, keyLength);
    const group = this.#table.groupOfBytes(this.retention.keys.slice(first), keyBytes);
    const row = this.#table.place(group, first, second, null);
    this.#table.write(group, row, value === null ? null : copyBytes(value), timestampMs);
    if (value === null) this.#index?.remove(row, group.keyBytes);
    else this.#index?.add(row, group.keyBytes);
  }

  #requireOpen(): void {
    if (this.#closed) throw storeMoved(this.name, this.#context.taskId);
  }

  #requireKey(key: K): void {
    if (key === null || key === undefined) throw this.codec.nullKey();
  }
}
