import { invariant } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { CachedRow } from './cached-rows.ts';
import type { Row } from './row.ts';

/** What stands for a key in memory: `Serde.identity` of it, or its bytes as latin1. */
export type EntryId = string | number | bigint | boolean;

/** A write that the record cache holds back from changelog, listener and overlay. */
export interface HeldWrite {
  /** Null deletes; undefined while only the live object has the value. */
  bytes: Uint8Array | null | undefined;
  /** Of the row, and what the listener gets. */
  readonly timestampMs: number;
  /** Of its changelog record. */
  readonly logTimestampMs: number;
  readonly headers: Headers;
  /** Orders held writes; grows with each. */
  readonly sequence: number;
  readonly chargedBytes: number;
}

/**
 * One key (in one window) in memory: its decoded value, and the layers that are above its row in the storage.
 *
 *     live       the newest value as an object, if somebody keeps one
 *     held       newest write, while the record cache holds it back
 *     row        what is below that: written in the open transaction, or sealed, or as stored
 *     sealed     what a committed transaction wrote, while it is on its way to the storage
 */
export class Entry<K, V> implements CachedRow<V, Entry<K, V>> {
  /** 0 in a key-value store. */
  readonly windowStartMs: number;
  readonly id: EntryId;
  /** True for a key that has an identity. */
  readonly identified: boolean;
  /** The key, where its type cannot be changed in place. */
  readonly key: K | undefined;
  #logKey: Uint8Array | null;

  live: V | undefined = undefined;
  held: HeldWrite | null = null;
  /** Undefined: not read yet. */
  row: Row | undefined = undefined;
  sealed: Row | null = null;
  /** `row` was written in the open transaction. */
  pending = false;

  /** False once the store has forgotten it. */
  attached = false;
  /** Used since the object budget last looked. */
  used = false;
  /** Bytes on the object budget; 0 unless it may be dropped. */
  chargedBytes = 0;
  /** The undo list that has its former state. */
  undoGeneration = 0;

  list: object | null = null;
  previous: Entry<K, V> | null = null;
  next: Entry<K, V> | null = null;

  constructor(
    windowStartMs: number,
    id: EntryId,
    identified: boolean,
    key: K | undefined,
    logKey: Uint8Array,
  ) {
    this.windowStartMs = windowStartMs;
    this.id = id;
    this.identified = identified;
    this.key = key;
    this.#logKey = logKey;
  }

  /** It keeps no bytes that can be had again: an entry with a short key takes 330 bytes at rest, and 620 awake. */
  get resting(): boolean {
    return this.#logKey === null;
  }

  /** Key of its changelog records; not of one that rests (`EntryIndex.logKeyOf`). */
  get logKey(): Uint8Array {
    invariant(this.#logKey !== null, 'an entry that rests has no log key');
    return this.#logKey;
  }

  /** Not for a pinned entry. */
  rest(): void {
    this.row?.pack();
    // Without either, nothing else says what the key is.
    if (this.key !== undefined || !this.identified) this.#logKey = null;
  }

  wake(logKey: Uint8Array): void {
    this.#logKey = logKey;
  }

  /** It holds what the storage does not have yet. */
  get pinned(): boolean {
    return this.pending || this.sealed !== null || this.held !== null;
  }
}
