import { fromLatin1, toLatin1 } from '../common/latin1.ts';
import type { KeyLayout } from './database-keys.ts';
import { Entry, type EntryId } from './entry.ts';
import { EntryList } from './entry-list.ts';
import type { ObjectBudget, ObjectHolder } from './object-budget.ts';
import type { StoreCodec } from './store-codec.ts';

/**
 * What an entry at rest takes beside its key and twice its value (which may be there as bytes and as a text or number),
 * with its place in the map; and what an object takes beside that. Measured by bench/micro/state.ts.
 */
const ENTRY_BYTES = 320;
const OBJECT_BYTES = 100;

export interface EntryIndexOptions<K, V> {
  readonly codec: StoreCodec<K, V>;
  readonly layout: KeyLayout;
  readonly budget: ObjectBudget;
}

/** The entries of one window start; a key-value store has one bucket. */
class Bucket<K, V> {
  readonly windowStartMs: number;
  readonly byIdentity = new Map<EntryId, Entry<K, V>>();
  /** Of keys that have no identity. A map of their own, since a text may look like another key's bytes. */
  readonly byBytes = new Map<EntryId, Entry<K, V>>();

  constructor(windowStartMs: number) {
    this.windowStartMs = windowStartMs;
  }

  of(entry: Entry<K, V>): Map<EntryId, Entry<K, V>> {
    return entry.identified ? this.byIdentity : this.byBytes;
  }
}

/**
 * Finds the entries of a store by key and window start, and decides which may be dropped.
 *
 * `find` or `make`, then work, then `keep` (it may go) or `pin` (it holds what the storage lacks). An entry that was
 * made is known to the index only from then on, so that one whose row cannot be read is not left behind.
 */
export class EntryIndex<K, V> implements ObjectHolder {
  readonly #codec: StoreCodec<K, V>;
  readonly #layout: KeyLayout;
  readonly #budget: ObjectBudget;
  readonly #buckets = new Map<number, Bucket<K, V>>();
  /** Those that may be dropped; second chance: an access sets a bit, which is cheaper than moving a node. */
  readonly #droppable = new EntryList<Entry<K, V>>();
  #bucket: Bucket<K, V> | null = null;
  // A read and the write of the same key follow each other: the second finds it here. Only for keys that cannot be
  // changed in place.
  #last: Entry<K, V> | null = null;
  /** Kept last. It does not rest yet, since the write of a key follows its read. */
  #awake: Entry<K, V> | null = null;
  #frozen = false;

  constructor({ codec, layout, budget }: EntryIndexOptions<K, V>) {
    this.#codec = codec;
    this.#layout = layout;
    this.#budget = budget;
    budget.register(this);
  }

  get droppable(): number {
    return this.#frozen ? 0 : this.#droppable.length;
  }

  /** While frozen, nothing is dropped: an undo list may bring back what looks droppable. */
  freeze(frozen: boolean): void {
    this.#frozen = frozen;
    if (!frozen) this.#budget.grow(0); // what was kept meanwhile
  }

  find(key: K, windowStartMs: number): Entry<K, V> | undefined {
    const last = this.#last;
    if (
      last !== null &&
      last.attached &&
      Object.is(last.key, key) &&
      last.windowStartMs === windowStartMs
    ) {
      return last;
    }
    const bucket = this.#bucketOf(windowStartMs);
    if (bucket === undefined) return undefined;
    const identity = this.#codec.identityOf(key);
    const entry =
      identity === undefined ? this.#findByBytes(bucket, key) : bucket.byIdentity.get(identity);
    if (entry?.key !== undefined) this.#last = entry;
    return entry;
  }

  make(key: K, windowStartMs: number): Entry<K, V> {
    const keyBytes = this.#codec.keyToBytes(key);
    const identity = this.#codec.identityOf(key) ?? this.#identityOf(keyBytes);
    const id = identity ?? toLatin1(keyBytes);
    const stableKey = this.#codec.immutableKeys ? key : undefined;
    const logKey = this.#layout.logKey(keyBytes, windowStartMs);
    return new Entry(windowStartMs, id, identity !== undefined, stableKey, logKey);
  }

  /** The entry holds nothing that the storage lacks, so it may be dropped when the budget is short, or right now. */
  keep(entry: Entry<K, V>): void {
    if (entry.list !== null) {
      entry.used = true;
      return;
    }
    this.#attach(entry);
    entry.used = false; // one that nobody asks for again goes before one that somebody does
    entry.chargedBytes = this.#bytesOf(entry);
    this.#droppable.append(entry);
    if (this.#awake?.list === this.#droppable) this.#awake.rest();
    this.#awake = entry;
    this.#budget.grow(entry.chargedBytes);
  }

  /** The entry holds what the storage lacks, and stays until it is kept again. */
  pin(entry: Entry<K, V>): void {
    if (entry.resting) entry.wake(this.logKeyOf(entry));
    this.#attach(entry);
    if (entry.list === this.#droppable) this.#release(entry);
  }

  /** Key of the entry's changelog records. */
  logKeyOf(entry: Entry<K, V>): Uint8Array {
    if (!entry.resting) return entry.logKey;
    const { key, id } = entry;
    const keyBytes = key === undefined ? fromLatin1(String(id)) : this.#codec.keyToBytes(key);
    return this.#layout.logKey(keyBytes, entry.windowStartMs);
  }

  release(bytes: number, maxEntries: number): void {
    let freed = 0;
    for (let looked = 0; freed < bytes && looked < maxEntries && !this.#frozen; looked++) {
      const entry = this.#droppable.first;
      if (entry === null) return;
      if (entry.used) {
        entry.used = false;
        this.#droppable.remove(entry);
        this.#droppable.append(entry);
      } else {
        freed += entry.chargedBytes;
        this.#drop(entry);
      }
    }
  }

  /** Drops what may be dropped of the windows that start at a time or before. */
  dropWindowsUpTo(windowStartMs: number): void {
    for (const bucket of this.#buckets.values()) {
      if (bucket.windowStartMs > windowStartMs) continue;
      this.#dropAll(bucket.byIdentity);
      this.#dropAll(bucket.byBytes);
    }
  }

  /** Forgets everything. Entries that somebody still holds can be brought back with `keep` and `pin`. */
  clear(): void {
    for (let entry = this.#droppable.first; entry !== null; entry = this.#droppable.first) {
      this.#release(entry);
    }
    for (const bucket of this.#buckets.values()) {
      for (const entry of bucket.byIdentity.values()) entry.attached = false;
      for (const entry of bucket.byBytes.values()) entry.attached = false;
    }
    this.#buckets.clear();
    this.#bucket = null;
    this.#last = null;
    this.#awake = null;
  }

  close(): void {
    this.clear();
    this.#budget.unregister(this);
  }

  #bytesOf(entry: Entry<K, V>): number {
    const { row, live } = entry;
    const valueBytes = row?.byteLength ?? 0;
    const bytes = ENTRY_BYTES + this.logKeyOf(entry).length + 2 * valueBytes;
    return typeof live === 'object' ? bytes + OBJECT_BYTES + 2 * valueBytes : bytes;
  }

  #findByBytes(bucket: Bucket<K, V>, key: K): Entry<K, V> | undefined {
    const keyBytes = this.#codec.keyToBytes(key);
    const identity = this.#identityOf(keyBytes);
    return identity === undefined
      ? bucket.byBytes.get(toLatin1(keyBytes))
      : bucket.byIdentity.get(identity);
  }

  /** A key without an identity may be written as one that has it: text with half a surrogate pair, say. */
  #identityOf(keyBytes: Uint8Array): EntryId | undefined {
    return this.#codec.identityOf(this.#codec.keyFromBytes(keyBytes));
  }

  #bucketOf(windowStartMs: number): Bucket<K, V> | undefined {
    if (this.#bucket?.windowStartMs === windowStartMs) return this.#bucket;
    const bucket = this.#buckets.get(windowStartMs);
    if (bucket !== undefined) this.#bucket = bucket;
    return bucket;
  }

  #attach(entry: Entry<K, V>): void {
    if (entry.attached) return;
    let bucket = this.#bucketOf(entry.windowStartMs);
    if (bucket === undefined) {
      bucket = new Bucket<K, V>(entry.windowStartMs);
      this.#buckets.set(entry.windowStartMs, bucket);
    }
    bucket.of(entry).set(entry.id, entry);
    entry.attached = true;
  }

  #drop(entry: Entry<K, V>): void {
    this.#release(entry);
    entry.attached = false;
    const bucket = this.#bucketOf(entry.windowStartMs);
    if (bucket === undefined) return;
    bucket.of(entry).delete(entry.id);
    if (bucket.byIdentity.size + bucket.byBytes.size > 0) return;
    this.#buckets.delete(entry.windowStartMs);
    this.#bucket = null;
  }

  #dropAll(entries: Map<EntryId, Entry<K, V>>): void {
    for (const entry of entries.values()) {
      if (entry.list === this.#droppable) this.#drop(entry);
    }
  }

  /** No longer among the droppable, nor on the budget. */
  #release(entry: Entry<K, V>): void {
    this.#droppable.remove(entry);
    this.#budget.grow(-entry.chargedBytes);
    entry.chargedBytes = 0;
  }
}
