import { invariant, StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { Serdes } from '../serde/serde.ts';
import { PlainKeys, type KeyLayout } from './database-keys.ts';
import { EntryIndex } from './entry-index.ts';
import { EntryList } from './entry-list.ts';
import { scanRows, type UnwrittenRow } from './entry-scan.ts';
import type { Entry } from './entry.ts';
import type { ManagedStore, RestoredRecord } from './managed-store.ts';
import { Overlay, type OverlayMark } from './overlay.ts';
import type { CacheOwner } from './record-cache.ts';
import { restoredEntries } from './restored-entries.ts';
import { NO_ROW, PLAIN_ROWS, Row, TIMESTAMPED_ROWS, type RowFormat } from './row.ts';
import type { StoreKind } from './store-builder.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import type { Timestamped } from './table-store.ts';
import type { StorageEntry, StorageRange, StoreLayout } from './task-storage.ts';
import { UndoList } from './undo-list.ts';
import { WindowRetention } from './window-retention.ts';
import type { WindowTableListener } from './window-table-store.ts';

/** What a held write costs beside the bytes of key and value. */
const HELD_BYTES = 100;

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
export class StoreEngine<K, V> implements ManagedStore, CacheOwner {
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
  readonly #caching: boolean;
  readonly #immutable: boolean;

  readonly #held = new EntryList<K, V>();
  #heldBytes = 0;
  #heldSequence = 0;
  #lastValueBytes = 0;
  #lettingGo = false;
  #undo: UndoPoint<K, V> | null = null;
  #listener: WindowTableListener<K, V> | null = null;
  #sendOldValues = false;
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
    // With a cache of 0 bytes Kafka Streams strips its caching layers (`InternalTopologyBuilder.rewriteTopology`).
    this.#caching = cachingEnabled && context.recordCache.maxBytes > 0;
    this.#immutable = this.codec.immutableValues;
  }

  get recordTimestampMs(): number {
    return this.#context.recordTimestampMs();
  }

  listen(listener: WindowTableListener<K, V>, sendOldValues: boolean): void {
    invariant(this.#listener === null, 'a store has one listener', { store: this.name });
    this.#listener = listener;
    this.#sendOldValues = sendOldValues;
  }

  // Reads

  /** The newest row, with a value that is the caller's. */
  get(key: K, windowStartMs: number): Timestamped<V> | null {
    const entry = this.#read(key, windowStartMs);
    if (entry === null) return null;
    const value = this.#valueForCaller(entry);
    const timestamped =
      value === undefined ? null : { value, timestampMs: newestTimestampMs(entry) };
    if (!entry.pinned) this.#index.keep(entry);
    return timestamped;
  }

  /** The newest row, with the store's own object; see `TableStore.getOwn`. */
  getOwn(key: K, windowStartMs: number): Timestamped<V> | null {
    const entry = this.#read(key, windowStartMs);
    if (entry === null) return null;
    const value = this.#ownValue(entry);
    if (this.#undo !== null && !this.#immutable) this.#remember(entry); // before an aggregator changes it
    const timestamped =
      value === undefined ? null : { value, timestampMs: newestTimestampMs(entry) };
    if (!entry.pinned) this.#index.keep(entry);
    return timestamped;
  }

  disown(key: K, windowStartMs: number): void {
    const entry = this.#index.find(key, windowStartMs);
    if (entry !== undefined && !this.#immutable) entry.live = undefined;
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

  /** Undefined where there is no row. */
  #ownValue(entry: Entry<K, V>): V | undefined {
    if (entry.live !== undefined) return entry.live;
    const bytes = this.#newestBytes(entry);
    if (bytes !== null) entry.live = this.codec.valueFromBytes(bytes);
    return entry.live;
  }

  #valueForCaller(entry: Entry<K, V>): V | undefined {
    if (this.#immutable) return this.#ownValue(entry);
    const bytes = this.#newestBytes(entry);
    if (bytes === null) return undefined;
    // The object that the store has is given away rather than decoding another: the next read decodes either way.
    const value = entry.live ?? this.codec.valueFromBytes(bytes);
    entry.live = undefined;
    return value;
  }

  #newestBytes(entry: Entry<K, V>): Uint8Array | null {
    const { held, row, live } = entry;
    if (held === null) {
      invariant(row !== undefined, 'a row is read before it is used', { store: this.name });
      return row.bytes;
    }
    if (held.bytes === undefined) {
      // Its aggregator threw half-way, and nobody undid the record: the transaction has to be aborted.
      invariant(live !== undefined, 'a held write was lost', { store: this.name });
      held.bytes = this.codec.valueToBytes(live);
      this.#lastValueBytes = held.bytes.length;
    }
    return held.bytes;
  }

  // Writes

  /** A write by user code: the value stays the caller's. Listeners hear of it only where the store caches. */
  put(key: K, value: V | null, windowStartMs: number, timestampMs: number): void {
    const entry = this.#entryToWrite(key, windowStartMs);
    if (entry === null) return;
    const bytes = value === null ? null : this.codec.valueToBytes(value);
    const live = value !== null && this.#immutable ? value : undefined;
    const logTimestampMs = this.#context.recordTimestampMs();
    if (this.#caching) {
      const headers = this.#context.recordHeaders();
      this.#cache(entry, bytes, live, { timestampMs, logTimestampMs, headers });
    } else {
      this.#write(entry, new Row(bytes, timestampMs), logTimestampMs);
      entry.live = live;
    }
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
    if (this.#caching) {
      let bytes: Uint8Array | null | undefined = value === null ? null : undefined;
      let live = value ?? undefined;
      if (shared && !this.#immutable && value !== null) {
        bytes = this.codec.valueToBytes(value);
        live = undefined;
      }
      this.#hold(entry, bytes, live, { timestampMs, logTimestampMs, headers });
      return;
    }
    // An aggregator may have changed the old object: it is no copy of the old row any more, even if this throws.
    if (!this.#immutable) entry.live = undefined;
    const bytes = value === null ? null : this.codec.valueToBytes(value);
    this.#apply(entry, bytes, value, { timestampMs, logTimestampMs, headers });
    if (this.#listener === null && !shared) entry.live = value ?? undefined;
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
    if (this.#undo !== null) this.#remember(entry);
    return entry;
  }

  /** Into the overlay and the changelog. */
  #write(entry: Entry<K, V>, row: Row, logTimestampMs: number): void {
    this.#index.pin(entry);
    this.#overlay.write(entry, row);
    this.#context.changelog?.append(entry.logKey, row.bytes, logTimestampMs);
  }

  /** Writes, and tells the listener. The value goes to it, so the entry keeps only one that cannot be changed. */
  #apply(entry: Entry<K, V>, bytes: Uint8Array | null, value: V | null, at: WriteTime): void {
    const listener = this.#listener;
    const { timestampMs, logTimestampMs, headers } = at;
    const oldBytes = this.#oldBytes(entry, bytes);
    // As Kafka Streams' caching stores: no row before and none after is no change.
    if (this.#caching && listener !== null && bytes === null && oldBytes === null) {
      entry.live = undefined;
      if (!entry.pinned) this.#index.keep(entry);
      return;
    }
    this.#write(entry, new Row(bytes, timestampMs), logTimestampMs);
    if (this.#immutable) entry.live = value ?? undefined;
    if (listener === null) return;
    const oldValue =
      this.#sendOldValues && oldBytes !== null ? this.codec.valueFromBytes(oldBytes) : null;
    // A caching store forwards a deletion with the time of the record that caused it, as Kafka Streams.
    const forwardedMs = this.#caching && bytes === null ? logTimestampMs : timestampMs;
    const key = entry.key ?? this.codec.keyFromBytes(this.keys.keyBytes(entry.logKey));
    listener(key, entry.windowStartMs, value, oldValue, forwardedMs, headers);
  }

  /** Of the row below the record cache, where somebody needs to know; else null. */
  #oldBytes(entry: Entry<K, V>, newBytes: Uint8Array | null): Uint8Array | null {
    if (this.#listener === null) return null;
    if (!this.#sendOldValues && !(this.#caching && newBytes === null)) return null;
    entry.row ??= this.#stored(entry);
    return entry.row.bytes;
  }

  // The record cache

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get unflushed(): boolean {
    return this.#held.length > 0;
  }

  /** Holds a write back, or, with a cache of 0 bytes, lets go of it at once. */
  #cache(entry: Entry<K, V>, bytes: Uint8Array | null, live: V | undefined, at: WriteTime): void {
    if (this.#caching) {
      this.#hold(entry, bytes, live, at);
      return;
    }
    entry.live = live;
    const value =
      this.#listener === null || bytes === null ? null : this.codec.valueFromBytes(bytes);
    this.#apply(entry, bytes, live ?? value, at);
  }

  #hold(
    entry: Entry<K, V>,
    bytes: Uint8Array | null | undefined,
    live: V | undefined,
    { timestampMs, logTimestampMs, headers }: WriteTime,
  ): void {
    const before = entry.held;
    const valueBytes = bytes === undefined ? this.#likelyBytes(entry) : (bytes?.length ?? 0);
    if (before === null) this.#index.pin(entry);
    else this.#held.remove(entry);
    const chargedBytes = HELD_BYTES + entry.logKey.length + valueBytes;
    const sequence = ++this.#heldSequence;
    entry.held = { bytes, timestampMs, logTimestampMs, headers, sequence, chargedBytes };
    entry.live = live;
    this.#held.append(entry);
    this.#chargeHeld(chargedBytes - (before?.chargedBytes ?? 0));
  }

  /** Of a value that is not serialized yet: as long as it was, or as the one before it in this store. */
  #likelyBytes({ held, row }: Entry<K, V>): number {
    const knownBytes = held?.bytes?.length ?? row?.byteLength ?? 0;
    return knownBytes > 0 ? knownBytes : this.#lastValueBytes;
  }

  #chargeHeld(bytes: number): void {
    this.#heldBytes += bytes;
    this.#context.recordCache.grow(this, bytes);
  }

  evict(): void {
    this.flush();
  }

  flush(): void {
    if (this.#lettingGo) return; // what the listener writes meanwhile waits for the next time
    this.#lettingGo = true;
    const last = this.#heldSequence;
    try {
      for (let entry = this.#held.first; entry !== null; entry = this.#held.first) {
        const { held } = entry;
        if (held === null || held.sequence > last) break;
        this.#letGo(entry);
      }
    } finally {
      this.#lettingGo = false;
    }
  }

  #letGo(entry: Entry<K, V>): void {
    // First all that may throw: until then the write stays held.
    if (this.#undo !== null) this.#remember(entry);
    const bytes = this.#newestBytes(entry);
    this.#oldBytes(entry, bytes);
    const { held, live } = entry;
    invariant(held !== null, 'only held writes are let go');
    let value: V | null = live ?? null;
    if (bytes !== null && live === undefined && this.#listener !== null) {
      value = this.codec.valueFromBytes(bytes);
    }
    if (!this.#immutable && this.#listener !== null) entry.live = undefined;

    this.#held.remove(entry);
    entry.held = null;
    this.#chargeHeld(-held.chargedBytes);
    this.#apply(entry, bytes, value, held);
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
    this.#forgetHeld();
    this.#overlay.discard();
    this.#index.clear();
    for (const entry of this.#overlay.sealed) {
      entry.live = undefined;
      this.#index.pin(entry);
    }
    this.retention?.discard();
  }

  #forgetHeld(): void {
    for (let entry = this.#held.first; entry !== null; entry = this.#held.first) {
      this.#held.remove(entry);
      entry.held = null;
    }
    this.#chargeHeld(-this.#heldBytes);
  }

  expired(): StorageRange | null {
    const range = this.retention?.expired() ?? null;
    if (range !== null) this.#index.dropWindowsUpTo(this.retention?.committedExpiredUpToMs ?? 0);
    return range;
  }

  close(): void {
    this.endUndo();
    this.#forgetHeld();
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
    this.#relinkHeld(touched);
    this.endUndo();
    for (const entry of touched) {
      if (!entry.pinned) this.#index.keep(entry);
    }
  }

  #remember(entry: Entry<K, V>): void {
    if (entry.held !== null) this.#newestBytes(entry); // its object is about to change, its bytes are not
    this.#undo?.list.remember(entry);
  }

  /** Makes the list of held writes agree with the entries again: their number and order are as they were. */
  #relinkHeld(touched: readonly Entry<K, V>[]): void {
    const held = new Set(this.#held);
    for (const entry of touched) held.add(entry);
    for (const entry of held) if (entry.list === this.#held) this.#held.remove(entry);
    const order = [...held].filter((entry) => entry.held !== null).sort(bySequence);
    let bytes = 0;
    for (const entry of order) {
      this.#index.pin(entry);
      this.#held.append(entry);
      bytes += entry.held?.chargedBytes ?? 0;
    }
    this.#lettingGo = true; // nothing is forwarded between records
    this.#chargeHeld(bytes - this.#heldBytes);
    this.#lettingGo = false;
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
          if (this.#closed) throw this.#moved();
          return committed ? this.#sealedRows() : this.#newestRows();
        },
      },
      (databaseKey, row) => project(this.keys.logKeyOf(databaseKey), row),
    );
  }

  /** As committed; the value is the caller's. Leaves the objects of the task alone. */
  getCommitted(key: K, windowStartMs: number): Timestamped<V> | null {
    if (this.#closed) throw this.#moved();
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
    const entries = new Set([...this.#overlay.sealed, ...this.#overlay.pending, ...this.#held]);
    return Array.from(entries, (entry) => ({
      databaseKey: this.keys.databaseKey(entry.logKey),
      row:
        entry.held === null
          ? (entry.row ?? NO_ROW)
          : new Row(this.#newestBytes(entry), entry.held.timestampMs),
    }));
  }

  #moved(): StreamsError {
    return new StreamsError(
      'STREAMS_STORE_MIGRATED',
      'this store is closed, since its task moved or stopped: ask for the store again',
      { site: { store: this.name, taskId: this.#context.taskId } },
    );
  }
}

interface WriteTime {
  /** Of the row, and what the listener gets. */
  readonly timestampMs: number;
  /** Of the changelog record. */
  readonly logTimestampMs: number;
  readonly headers: Headers;
}

function newestTimestampMs<K, V>(entry: Entry<K, V>): number {
  return entry.held?.timestampMs ?? entry.row?.timestampMs ?? -1;
}

function bySequence<K, V>(a: Entry<K, V>, b: Entry<K, V>): number {
  return (a.held?.sequence ?? 0) - (b.held?.sequence ?? 0);
}

function* chain<T>(...parts: readonly Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part;
}
