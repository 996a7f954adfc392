import { invariant } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { HeldWrite } from './entry.ts';
import { EntryList, type Listed } from './entry-list.ts';
import type { CacheOwner } from './record-cache.ts';
import type { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';

/** What a held write costs beside the bytes of key and value. */
const HELD_BYTES = 100;

/** One row of a store in memory, wherever it is kept. */
export interface CachedRow<V, R> extends Listed<R> {
  /** The newest value as an object, if somebody keeps one. */
  live: V | undefined;
  /** Newest write, while the record cache holds it back. */
  held: HeldWrite | null;
}

/** Where the rows of a store are: what is below the record cache. */
export interface RowHome<V, R> {
  /** Value of the row below the record cache; null where there is none. */
  bytesBelow(row: R): Uint8Array | null;
  /** Into the open transaction and the changelog. */
  write(row: R, bytes: Uint8Array | null, timestampMs: number, logTimestampMs: number): void;
  /** Something of the row is held back: it stays in memory. */
  pin(row: R): void;
  /** Nothing of the row is held back any more; it was not written either. */
  unpin(row: R): void;
  /** Before the first change of a row, while a record can be taken back; its held write has bytes. */
  remember(row: R): void;
  /** What a row's key takes, for the record cache. */
  keyLength(row: R): number;
  /** Of the value below the record cache, where it is in memory; else 0. */
  valueLength(row: R): number;
  /** Tells the listener. */
  tell(row: R, newValue: V | null, oldValue: V | null, timestampMs: number, headers: Headers): void;
}

export interface CachedRowsOptions<K, V, R> {
  readonly codec: StoreCodec<K, V>;
  readonly context: StoreContext;
  readonly cachingEnabled: boolean;
  readonly home: RowHome<V, R>;
}

export interface WriteTime {
  /** Of the row, and what the listener gets. */
  readonly timestampMs: number;
  /** Of the changelog record. */
  readonly logTimestampMs: number;
  readonly headers: Headers;
}

/**
 * What is above the rows of a store: the value as an object, the record cache, the listener. Rows that store engines
 * find, this changes.
 *
 *     live    the newest value as an object, which is the store's own (docs/adr/0008-object-cache.md)
 *     held    writes held back, if the store caches, in the order of the last write
 *     home    all that is below: the open transaction, the storage
 *
 * Source: `CachingKeyValueStore`, `CachingWindowStore`, `CachingSessionStore`, `NamedCache`.
 */
export class CachedRows<K, V, R extends CachedRow<V, R>> implements CacheOwner {
  readonly #codec: StoreCodec<K, V>;
  readonly #context: StoreContext;
  readonly #home: RowHome<V, R>;
  readonly #caching: boolean;
  readonly #immutable: boolean;

  readonly #held = new EntryList<R>();
  #heldBytes = 0;
  #heldSequence = 0;
  #lastValueBytes = 0;
  #lettingGo = false;
  #listening = false;
  #sendOldValues = false;

  constructor({ codec, context, cachingEnabled, home }: CachedRowsOptions<K, V, R>) {
    this.#codec = codec;
    this.#context = context;
    this.#home = home;
    // With a cache of 0 bytes Kafka Streams strips its caching layers (`InternalTopologyBuilder.rewriteTopology`).
    this.#caching = cachingEnabled && context.recordCache.maxBytes > 0;
    this.#immutable = codec.immutableValues;
  }

  /** `home.tell` is called from now on. */
  listen(sendOldValues: boolean): void {
    this.#listening = true;
    this.#sendOldValues = sendOldValues;
  }

  // Reads

  /** The store's own object; undefined where there is no row. */
  own(row: R): V | undefined {
    if (row.live !== undefined) return row.live;
    const bytes = this.newestBytes(row);
    if (bytes !== null) row.live = this.#codec.valueFromBytes(bytes);
    return row.live;
  }

  /** A value that is the caller's; undefined where there is no row. */
  forCaller(row: R): V | undefined {
    if (this.#immutable) return this.own(row);
    const bytes = this.newestBytes(row);
    if (bytes === null) return undefined;
    // The object that the store has is given away rather than decoding another: the next read decodes either way.
    const value = row.live ?? this.#codec.valueFromBytes(bytes);
    row.live = undefined;
    return value;
  }

  disown(row: R): void {
    if (!this.#immutable) row.live = undefined;
  }

  newestBytes(row: R): Uint8Array | null {
    const { held, live } = row;
    if (held === null) return this.#home.bytesBelow(row);
    if (held.bytes === undefined) {
      // Its aggregator threw half-way, and nobody undid the record: the transaction has to be aborted.
      invariant(live !== undefined, 'a held write was lost');
      held.bytes = this.#codec.valueToBytes(live);
      this.#lastValueBytes = held.bytes.length;
    }
    return held.bytes;
  }

  /** The rows that are held back, oldest write first. */
  get heldRows(): Iterable<R> {
    return this.#held;
  }

  // Writes

  /** A write by user code: the value stays the caller's. Listeners hear of it only where the store caches. */
  put(row: R, value: V | null, timestampMs: number): void {
    const bytes = value === null ? null : this.#codec.valueToBytes(value);
    const live = value !== null && this.#immutable ? value : undefined;
    const logTimestampMs = this.#context.recordTimestampMs();
    if (this.#caching) {
      const headers = this.#context.recordHeaders();
      this.#hold(row, bytes, live, { timestampMs, logTimestampMs, headers });
    } else {
      this.#home.write(row, bytes, timestampMs, logTimestampMs);
      row.live = live;
    }
  }

  /**
   * A write by an operator: see `TableStore.update`. If others keep the value too (`shared`), it is serialized at once
   * and not kept. Positional, since an options object a record is not free.
   */
  update(
    row: R,
    value: V | null,
    timestampMs: number,
    logTimestampMs: number,
    headers: Headers,
    shared: boolean,
  ): void {
    if (this.#caching) {
      let bytes: Uint8Array | null | undefined = value === null ? null : undefined;
      let live = value ?? undefined;
      if (shared && !this.#immutable && value !== null) {
        bytes = this.#codec.valueToBytes(value);
        live = undefined;
      }
      this.#hold(row, bytes, live, { timestampMs, logTimestampMs, headers });
      return;
    }
    // An aggregator may have changed the old object: it is no copy of the old row any more, even if this throws.
    if (!this.#immutable) row.live = undefined;
    const bytes = value === null ? null : this.#codec.valueToBytes(value);
    this.#apply(row, bytes, value, { timestampMs, logTimestampMs, headers });
    if (!this.#listening && !shared) row.live = value ?? undefined;
  }

  /** Before a row is changed, also through its object. */
  remember(row: R): void {
    if (row.held !== null) this.newestBytes(row); // its object is about to change, its bytes are not
    this.#home.remember(row);
  }

  /** Writes, and tells the listener. The value goes to it, so the row keeps only one that cannot be changed. */
  #apply(row: R, bytes: Uint8Array | null, value: V | null, at: WriteTime): void {
    const { timestampMs, logTimestampMs, headers } = at;
    const oldBytes = this.#oldBytes(row, bytes);
    // As Kafka Streams' caching stores: no row before and none after is no change.
    if (this.#caching && this.#listening && bytes === null && oldBytes === null) {
      row.live = undefined;
      this.#home.unpin(row);
      return;
    }
    this.#home.write(row, bytes, timestampMs, logTimestampMs);
    if (this.#immutable) row.live = value ?? undefined;
    if (!this.#listening) return;
    const oldValue =
      this.#sendOldValues && oldBytes !== null ? this.#codec.valueFromBytes(oldBytes) : null;
    // A caching store forwards a deletion with the time of the record that caused it, as Kafka Streams.
    const forwardedMs = this.#caching && bytes === null ? logTimestampMs : timestampMs;
    this.#home.tell(row, value, oldValue, forwardedMs, headers);
  }

  /** Of the row below the record cache, where somebody needs to know; else null. */
  #oldBytes(row: R, newBytes: Uint8Array | null): Uint8Array | null {
    if (!this.#listening) return null;
    if (!this.#sendOldValues && !(this.#caching && newBytes === null)) return null;
    return this.#home.bytesBelow(row);
  }

  // The record cache

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get unflushed(): boolean {
    return this.#held.length > 0;
  }

  #hold(
    row: R,
    bytes: Uint8Array | null | undefined,
    live: V | undefined,
    { timestampMs, logTimestampMs, headers }: WriteTime,
  ): void {
    const before = row.held;
    const valueBytes = bytes === undefined ? this.#likelyBytes(row) : (bytes?.length ?? 0);
    if (before === null) this.#home.pin(row);
    else this.#held.remove(row);
    const chargedBytes = HELD_BYTES + this.#home.keyLength(row) + valueBytes;
    const sequence = ++this.#heldSequence;
    row.held = { bytes, timestampMs, logTimestampMs, headers, sequence, chargedBytes };
    row.live = live;
    this.#held.append(row);
    this.#chargeHeld(chargedBytes - (before?.chargedBytes ?? 0));
  }

  /** Of a value that is not serialized yet: as long as it was, or as the one before it in this store. */
  #likelyBytes(row: R): number {
    const knownBytes = row.held?.bytes?.length ?? this.#home.valueLength(row);
    return knownBytes > 0 ? knownBytes : this.#lastValueBytes;
  }

  #chargeHeld(bytes: number): void {
    this.#heldBytes += bytes;
    this.#context.recordCache.grow(this, bytes);
  }

  evict(): void {
    this.flush();
  }

  /** See `ManagedStore.flush`. */
  flush(): void {
    if (this.#lettingGo) return; // what the listener writes meanwhile waits for the next time
    this.#lettingGo = true;
    const last = this.#heldSequence;
    try {
      for (let row = this.#held.first; row !== null; row = this.#held.first) {
        const { held } = row;
        if (held === null || held.sequence > last) break;
        this.#letGo(row);
      }
    } finally {
      this.#lettingGo = false;
    }
  }

  #letGo(row: R): void {
    // First all that may throw: until then the write stays held.
    this.remember(row);
    const bytes = this.newestBytes(row);
    this.#oldBytes(row, bytes);
    const { held, live } = row;
    invariant(held !== null, 'only held writes are let go');
    let value: V | null = live ?? null;
    if (bytes !== null && live === undefined && this.#listening) {
      value = this.#codec.valueFromBytes(bytes);
    }
    if (!this.#immutable && this.#listening) row.live = undefined;

    this.#held.remove(row);
    row.held = null;
    this.#chargeHeld(-held.chargedBytes);
    this.#apply(row, bytes, value, held);
  }

  /** Forgets what is held back: the transaction was aborted. */
  forget(): void {
    for (let row = this.#held.first; row !== null; row = this.#held.first) {
      this.#held.remove(row);
      row.held = null;
    }
    this.#chargeHeld(-this.#heldBytes);
  }

  /** Makes the list of held writes agree with rows that an undo has put back: their number and order are as they were. */
  relink(touched: readonly R[]): void {
    const held = new Set(this.#held);
    for (const row of touched) held.add(row);
    for (const row of held) if (row.list === this.#held) this.#held.remove(row);
    const order = [...held].filter((row) => row.held !== null).sort(bySequence);
    let bytes = 0;
    for (const row of order) {
      this.#home.pin(row);
      this.#held.append(row);
      bytes += row.held?.chargedBytes ?? 0;
    }
    this.#lettingGo = true; // nothing is forwarded between records
    this.#chargeHeld(bytes - this.#heldBytes);
    this.#lettingGo = false;
  }
}

function bySequence(
  a: { readonly held: HeldWrite | null },
  b: { readonly held: HeldWrite | null },
): number {
  return (a.held?.sequence ?? 0) - (b.held?.sequence ?? 0);
}
