import { invariant } from '../common/errors.ts';
import type { KeyLayout } from './database-keys.ts';
import type { Entry } from './entry.ts';
import type { Row, RowFormat } from './row.ts';
import type { StorageEntry } from './task-storage.ts';

/** What a row in memory costs beside the bytes of key and value. */
const ROW_BYTES = 100;

/** What `OverlayMark` brings back. */
export interface OverlayMark {
  readonly length: number;
  readonly bytes: number;
}

/**
 * The writes of a store that the storage does not have: those of the open transaction, and the sealed ones of the
 * committed one before it, which are on their way.
 */
export class Overlay<K, V> {
  readonly #layout: KeyLayout;
  readonly #format: RowFormat;
  #pending: Entry<K, V>[] = [];
  #sealed: readonly Entry<K, V>[] = [];
  #bytes = 0;

  constructor(layout: KeyLayout, format: RowFormat) {
    this.#layout = layout;
    this.#format = format;
  }

  /** Of the open transaction. */
  get bytes(): number {
    return this.#bytes;
  }

  get pending(): readonly Entry<K, V>[] {
    return this.#pending;
  }

  get sealed(): readonly Entry<K, V>[] {
    return this.#sealed;
  }

  /** The row of an entry that is pinned. */
  write(entry: Entry<K, V>, row: Row): void {
    const valueBytes = row.byteLength;
    if (entry.pending) {
      this.#bytes += valueBytes - (entry.row?.byteLength ?? 0);
    } else {
      entry.pending = true;
      this.#pending.push(entry);
      this.#bytes += ROW_BYTES + entry.logKey.length + valueBytes;
    }
    entry.row = row;
  }

  mark(): OverlayMark {
    return { length: this.#pending.length, bytes: this.#bytes };
  }

  /** Takes out what was first written after the mark; rows themselves are put back by the undo list. */
  rollback({ length, bytes }: OverlayMark): void {
    for (const entry of this.#pending.splice(length)) entry.pending = false;
    this.#bytes = bytes;
  }

  seal(): Iterable<StorageEntry> {
    invariant(this.#sealed.length === 0, 'the sealed layer before this one is not written yet');
    const sealed = this.#pending;
    for (const entry of sealed) {
      invariant(entry.row !== undefined, 'a written entry has a row');
      entry.sealed = entry.row;
      entry.pending = false;
    }
    this.#sealed = sealed;
    this.#pending = [];
    this.#bytes = 0;
    return this.#storageEntries(sealed);
  }

  /** Returns the entries whose sealed rows the storage has now. */
  written(): readonly Entry<K, V>[] {
    const written = this.#sealed;
    for (const entry of written) entry.sealed = null;
    this.#sealed = [];
    return written;
  }

  /** Forgets the open transaction; the sealed rows are the newest again. */
  discard(): void {
    for (const entry of this.#pending) {
      entry.pending = false;
      entry.row = entry.sealed ?? undefined;
    }
    this.#pending = [];
    this.#bytes = 0;
  }

  *#storageEntries(sealed: readonly Entry<K, V>[]): Generator<StorageEntry> {
    for (const entry of sealed) {
      invariant(entry.sealed !== null, 'the entries of seal are read before `written`');
      yield [this.#layout.databaseKey(entry.logKey), this.#format.toStorage(entry.sealed)];
    }
  }
}
