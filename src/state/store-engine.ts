import { invariant, StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { Serdes } from '../serde/serde.ts';
import { CachedRows, type RowHome } from './cached-rows.ts';
import { PlainKeys, type KeyLayout } from './database-keys.ts';
import { EntryIndex } from './entry-index.ts';
import { scanRows, type UnwrittenRow } from './entry-scan.ts';
import type { Entry } from './entry.ts';
import type { ManagedStore, RestoredRecord } from './managed-store.ts';
import { Overlay, type OverlayMark } from './overlay.ts';
import { restoredEntries } from './restored-entries.ts';
import { NO_ROW, PLAIN_ROWS, Row, TIMESTAMPED_ROWS, type RowFormat } from './row.ts';
import type { StoreKind } from './store-builder.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import { storeMoved } from './store-moved.ts';
import type { Timestamped } from './table-store.ts';
import type { StorageEntry, StorageRange, StoreLayout } from './task-storage.ts';
import { UndoList } from './undo-list.ts';
import { WindowRetention } from './window-retention.ts';
import type { WindowTableListener } from './window-table-store.ts';

export interface StoreEngineOptions<K, V> {
  readonly name: string;
  readonly layout: StoreLayout;
  readonly persistent: boolean;
  readonly cachingEnabled: boolean;
  readonly serdes: Serdes<K, V>;
  /** Of window stores; null otherwise. */
  readonly retentionMs: number | null;
  /** Of window stores; 0 otherwise. */
  readonly windowSizeMs: number;
  /** The key-value face shows values with their timestamps. */
  readonly showsTimestamps: boolean;
}

interface UndoPoint<K, V> {
  readonly list: UndoList<K, V>;
  readonly mark: OverlayMark;
  readonly observedMs: number;
}

/**
 * One store of one task: what all its faces (`KeyValueStore`, `TableStore`, `WindowStore`…) are views of. A row is
 * found by key and window start; the start is 0 in a key-value store.
 *
 *     record cache   writes held back, if the store caches     `held` of entries
 *     overlay        writes of the open transaction, logged    `row` of pending entries
 *     sealed         of the committed one, on their way        `sealed` of entries
 *     storage        committed rows
 *
 * Reads see the newest. All of it is bytes; beside them an entry may keep the newest value as an object (`live`), which
 * is the store's own: see docs/adr/0008-object-cache.md for who may get it.
 *
 * Source: `MeteredKeyValueStore`, `CachingKeyValueStore`, `ChangeLoggingKeyValueBytesStore` and their timestamped and
 * windowed relatives, in one; `NamedCache`.
 */
export class StoreEngine<K, V> implements ManagedStore, RowHome<V, Entry<K, V>> {
  readonly name: string;
  readonly kind: StoreKind;
  readonly layout: StoreLayout;
  readonly windowSizeMs: number;
  readonly showsTimestamps: boolean;
  readonly codec: StoreCodec<K, V>;
  readonly keys: KeyLayout;
  readonly number: number;
  readonly retention: WindowRetention | null;

  readonly #context: StoreContext;
  readonly #format: RowFormat;
  readonly #index: EntryIndex<K, V>;
  readonly #overlay: Overlay<K, V>;
  readonly #rows: CachedRows<K, V, Entry<K, V>>;

  #undo: UndoPoint<K, V> | null = null;
  #listener: WindowTableListener<K, V> | null = null;
  #closed = false;

  constructor(options: StoreEngineOptions<K, V>, context: StoreContext) {
    const { name, layout, persistent, cachingEnabled, serdes, retentionMs } = options;
    const { storage, changelogTopic, objects } = context;
    this.name = name;
    this.layout = layout;
    this.kind = retentionMs === null ? 'key-value' : 'window';
    this.windowSizeMs = options.windowSizeMs;
    this.showsTimestamps = options.showsTimestamps;
    this.codec = new StoreCodec(name, changelogTopic, serdes);
    this.number = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.retention =
      retentionMs === null
        ? null
        : new WindowRetention({ storage, store: this.number, retentionMs });
    this.keys = this.retention?.keys ?? new PlainKeys(this.number);

    const timestamped = layout === 'timestamped-key-value' || layout === 'timestamped-window';
    this.#context = context;
    this.#format = timestamped ? TIMESTAMPED_ROWS : PLAIN_ROWS;
    this.#index = new EntryIndex({ codec: this.codec, layout: this.keys, budget: objects });
    this.#overlay = new Overlay(this.keys, this.#format);
    this.#rows = new CachedRows({ codec: this.codec, context, cachingEnabled, home: this });
  }

  get recordTimestampMs(): number {
    return this.#context.recordTimestampMs();
  }

  listen(listener: WindowTableListener<K, V>, sendOldValues: boolean): void {
    invariant(this.#listener === null, 'a store has one listener', { store: this.name });
    this.#listener = listener;
    this.#rows.listen(sendOldValues);
  }

  // Reads

  /** The newest row, with a value that is the caller's. */
  get(key: K, windowStartMs: number): Timestamped<V> | null {
    const entry = this.#read(key, windowStartMs);
    if (entry === null) return null;
    const value = this.#rows.forCaller(entry);
    const timestamped =
      value === undefined ? null : { value, timestampMs: newestTimestampMs(entry) };
    if (!entry.pinned) this.#index.keep(entry);
    return timestamped;
  }

  /** The newest row, with the store's own object; see `TableStore.getOwn`. */
  getOwn(key: K, windowStartMs: number): Timestamped<V> | null {
    const entry = this.#read(key, windowStartMs);
    if (entry === null) return null;
    const value = this.#rows.own(entry);
    // Before an aggregator changes it.
    if (this.#undo !== null && !this.codec.immutableValues) this.#rows.remember(entry);
    const timestamped =
      value === undefined ? null : { value, timestampMs: newestTimestampMs(entry) };
    if (!entry.pinned) this.#index.keep(entry);
    return timestamped;
  }

  disown(key: K, windowStartMs: number): void {
    const entry = this.#index.find(key, windowStartMs);
    if (entry !== undefined) this.#rows.disown(entry);
  }

  #read(key: K, windowStartMs: number): Entry<K, V> | null {
    if (key === null || key === undefined) throw this.codec.nullKey();
    if (this.retention !== null && !(windowStartMs > this.retention.expiredUpToMs)) return null;
    if (windowStartMs < 0) return null;
    const entry = this.#index.find(key, windowStartMs) ?? this.#index.make(key, windowStartMs);
    if (entry.held === null) entry.row ??= this.#stored(entry);
    return entry;
  }

  #stored(entry: Entry<K, V>): Row {
    const stored = this.#context.storage.get(this.keys.databaseKey(this.#index.logKeyOf(entry)));
    return stored === undefined ? NO_ROW : this.#format.fromStorage(stored);
  }

  // Writes

  /** A write by user code: the value stays the caller's. Listeners hear of it only where the store caches. */
  put(key: K, value: V | null, windowStartMs: number, timestampMs: number): void {
    const entry = this.#entryToWrite(key, windowStartMs);
    if (entry === null) return;
    this.#rows.put(entry, value, timestampMs);
  }

  /**
   * A write by an operator: see `TableStore.update`. If others keep the value too (`shared`), it is serialized at once
   * and not kept. Positional, since an options object a record is not free.
   */
  update(
    key: K,
    value: V | null,
    windowStartMs: number,
    timestampMs: number,
    headers: Headers,
    shared: boolean,
  ): void {
    const entry = this.#entryToWrite(key, windowStartMs);
    if (entry === null) return;
    const logTimestampMs = value === null ? this.#context.recordTimestampMs() : timestampMs;
    this.#rows.update(entry, value, timestampMs, logTimestampMs, headers, shared);
  }

  /** Null for a window that has expired. */
  #entryToWrite(key: K, windowStartMs: number): Entry<K, V> | null {
    if (key === null || key === undefined) throw this.codec.nullKey();
    if (this.retention !== null) {
      if (!Number.isSafeInteger(windowStartMs) || windowStartMs < 0) {
        throw new StreamsError(
          'STREAMS_PROCESSING',
          `${windowStartMs} is no window start: give whole milliseconds from 0`,
          { site: { store: this.name } },
        );
      }
      if (!this.retention.observe(windowStartMs)) {
        this.#context.dropExpiredWindow();
        return null;
      }
    }
    const entry = this.#index.find(key, windowStartMs) ?? this.#index.make(key, windowStartMs);
    if (this.#undo !== null) this.#rows.remember(entry);
    return entry;
  }

  // The home of rows, for `CachedRows`

  bytesBelow(entry: Entry<K, V>): Uint8Array | null {
    entry.row ??= this.#stored(entry);
    return entry.row.bytes;
  }

  write(
    entry: Entry<K, V>,
    bytes: Uint8Array | null,
    timestampMs: number,
    logTimestampMs: number,
  ): void {
    this.#index.pin(entry);
    this.#overlay.write(entry, new Row(bytes, timestampMs));
    this.#context.changelog?.append(entry.logKey, bytes, logTimestampMs);
  }

  pin(entry: Entry<K, V>): void {
    this.#index.pin(entry);
  }

  unpin(entry: Entry<K, V>): void {
    if (!entry.pinned) this.#index.keep(entry);
  }

  remember(entry: Entry<K, V>): void {
    this.#undo?.list.remember(entry);
  }

  keyLength(entry: Entry<K, V>): number {
    return entry.logKey.length;
  }

  valueLength(entry: Entry<K, V>): number {
    return entry.row?.byteLength ?? 0;
  }

  tell(
    entry: Entry<K, V>,
    newValue: V | null,
    oldValue: V | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    const key = entry.key ?? this.codec.keyFromBytes(this.keys.keyBytes(entry.logKey));
    this.#listener?.(key, entry.windowStartMs, newValue, oldValue, timestampMs, headers);
  }

  get unflushed(): boolean {
    return this.#rows.unflushed;
  }

  flush(): void {
    this.#rows.flush();
  }

  // Transactions

  get uncommittedBytes(): number {
    return this.#overlay.bytes;
  }

  restore(records: Iterable<RestoredRecord>): Iterable<StorageEntry> {
    invariant(
      this.#overlay.pending.length === 0 && !this.unflushed,
      'a store is restored before it is written',
      { store: this.name },
    );
    this.#index.clear();
    return restoredEntries(records, this.keys, this.#format, this.retention);
  }

  seal(): Iterable<StorageEntry> {
    invariant(!this.unflushed, 'a store is flushed before it is sealed', { store: this.name });
    this.retention?.commit();
    const rows = this.#overlay.seal();
    const facts = this.retention?.changes() ?? [];
    return facts.length === 0 ? rows : chain(rows, facts);
  }

  written(): void {
    for (const entry of this.#overlay.written()) {
      if (!entry.pinned) this.#index.keep(entry);
    }
  }

  discard(): void {
    this.endUndo();
    this.#rows.forget();
    this.#overlay.discard();
    this.#index.clear();
    for (const entry of this.#overlay.sealed) {
      entry.live = undefined;
      this.#index.pin(entry);
    }
    this.retention?.discard();
  }

  expired(): StorageRange | null {
    const range = this.retention?.expired() ?? null;
    if (range !== null) this.#index.dropWindowsUpTo(this.retention?.committedExpiredUpToMs ?? 0);
    return range;
  }

  close(): void {
    this.endUndo();
    this.#rows.forget();
    this.#index.close();
    this.#closed = true;
  }

  // Undo

  beginUndo(): void {
    invariant(this.#undo === null, 'one record is undone at a time', { store: this.name });
    this.#index.freeze(true);
    this.#undo = {
      list: new UndoList(),
      mark: this.#overlay.mark(),
      observedMs: this.retention?.observedMs ?? 0,
    };
  }

  endUndo(): void {
    this.#undo = null;
    this.#index.freeze(false);
  }

  undo(): void {
    const point = this.#undo;
    invariant(point !== null, 'undo follows beginUndo', { store: this.name });
    const touched = point.list.restore();
    this.#overlay.rollback(point.mark);
    this.retention?.resetTo(point.observedMs);
    this.#rows.relink(touched);
    this.endUndo();
    for (const entry of touched) {
      if (!entry.pinned) this.#index.keep(entry);
    }
  }

  // Scans, and reads of committed rows

  /** Rows of some ranges in key order; as the task sees them, or only what is committed. See `scanRows`. */
  scan<T>(
    ranges: readonly StorageRange[],
    view: { readonly reverse: boolean; readonly committed: boolean },
    project: (logKey: Uint8Array, row: Row) => T | undefined,
  ): AsyncGenerator<T, void, undefined> {
    const { reverse, committed } = view;
    return scanRows(
      {
        storage: this.#context.storage,
        format: this.#format,
        ranges,
        reverse,
        unwritten: () => {
          if (this.#closed) throw storeMoved(this.name, this.#context.taskId);
          return committed ? this.#sealedRows() : this.#newestRows();
        },
      },
      (databaseKey, row) => project(this.keys.logKeyOf(databaseKey), row),
    );
  }

  /** As committed; the value is the caller's. Leaves the objects of the task alone. */
  getCommitted(key: K, windowStartMs: number): Timestamped<V> | null {
    if (this.#closed) throw storeMoved(this.name, this.#context.taskId);
    if (key === null || key === undefined) throw this.codec.nullKey();
    if (this.retention !== null && windowStartMs <= this.retention.committedExpiredUpToMs)
      return null;
    const entry = this.#index.find(key, windowStartMs) ?? this.#index.make(key, windowStartMs);
    const inMemory = entry.pending ? null : entry.row;
    const { bytes, timestampMs } = entry.sealed ?? inMemory ?? this.#stored(entry);
    return bytes === null ? null : { value: this.codec.valueFromBytes(bytes), timestampMs };
  }

  #sealedRows(): UnwrittenRow[] {
    return this.#overlay.sealed.map((entry) => ({
      databaseKey: this.keys.databaseKey(entry.logKey),
      row: entry.sealed ?? NO_ROW,
    }));
  }

  #newestRows(): UnwrittenRow[] {
    const entries = new Set([
      ...this.#overlay.sealed,
      ...this.#overlay.pending,
      ...this.#rows.heldRows,
    ]);
    return Array.from(entries, (entry) => ({
      databaseKey: this.keys.databaseKey(entry.logKey),
      row:
        entry.held === null
          ? (entry.row ?? NO_ROW)
          : new Row(this.#rows.newestBytes(entry), entry.held.timestampMs),
    }));
  }
}

function newestTimestampMs<K, V>(entry: Entry<K, V>): number {
  return entry.held?.timestampMs ?? entry.row?.timestampMs ?? -1;
}

function* chain<T>(...parts: readonly Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part;
}
