import { copyBytes, newBytes } from '../common/byte-pool.ts';
import { readInt32, readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import type { StorageRange } from './task-storage.ts';
import type { TimeRange } from './window-store.ts';

// The keys of a task's storage, drawn in docs/formats.md.

const META = 0x00;
const ROW = 0x01;
const ROW_PREFIX_BYTES = 3;
const INT64_BYTES = 8;
const SEQUENCE_BYTES = 4;
const PAGE_NUMBER_BYTES = 4;

/** Stores with numbers from here on live in memory only. */
export const FIRST_VOLATILE_STORE = 0x8000;

/** All that a storage keeps about itself. */
export const META_RANGE: StorageRange = {
  from: Uint8Array.of(META),
  to: Uint8Array.of(ROW),
};

export function metaKey(name: string): Uint8Array {
  const text = Buffer.from(name, 'utf8');
  const key = new Uint8Array(1 + text.length);
  key[0] = META;
  key.set(text, 1);
  return key;
}

/** Of the row that holds the slice width and the highest window start of a window store. */
export function windowMetaKey(store: number): Uint8Array {
  return storeMetaKey('window/', store);
}

/** Of the row that holds what a buffer counts. */
export function bufferMetaKey(store: number): Uint8Array {
  return storeMetaKey('buffer/', store);
}

function storeMetaKey(prefix: string, store: number): Uint8Array {
  const name = metaKey(prefix);
  const key = new Uint8Array(name.length + 2);
  key.set(name);
  key[name.length] = store >>> 8;
  key[name.length + 1] = store;
  return key;
}

/** True for a row, or a window meta row, of a store that lives in memory only. */
export function isVolatile(key: Uint8Array): boolean {
  const storeAt = key[0] === ROW ? 1 : key.length - 2;
  return ((key[storeAt] ?? 0) & 0x80) !== 0;
}

/** The least key above all that begin with this one. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) end--;
  invariant(end > 0, 'a database key begins with 0x00 or 0x01');
  const after = prefix.slice(0, end);
  after[end - 1] = (after[end - 1] as number) + 1; // not 0xff, see the loop
  return after;
}

/** The least key above this one. */
export function afterKey(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}

function rowPrefix(store: number, bytes: number): Uint8Array {
  const key = newBytes(bytes);
  key[0] = ROW;
  key[1] = store >>> 8;
  key[2] = store;
  return key;
}

/**
 * How the keys of one store are written: from a serialized key (and window start) to the key of its changelog records,
 * which is what entries keep, and on to the key in the storage.
 */
export interface KeyLayout {
  /** Owns its bytes. */
  logKey(keyBytes: Uint8Array, windowStartMs: number): Uint8Array;
  databaseKey(logKey: Uint8Array): Uint8Array;
  logKeyOf(databaseKey: Uint8Array): Uint8Array;
  /** The serialized key. */
  keyBytes(logKey: Uint8Array): Uint8Array;
  windowStartMs(logKey: Uint8Array): number;
}

export class PlainKeys implements KeyLayout {
  readonly #store: number;

  constructor(store: number) {
    this.#store = store;
  }

  logKey(keyBytes: Uint8Array): Uint8Array {
    return copyBytes(keyBytes);
  }

  databaseKey(logKey: Uint8Array): Uint8Array {
    const key = rowPrefix(this.#store, ROW_PREFIX_BYTES + logKey.length);
    key.set(logKey, ROW_PREFIX_BYTES);
    return key;
  }

  logKeyOf(databaseKey: Uint8Array): Uint8Array {
    return databaseKey.subarray(ROW_PREFIX_BYTES);
  }

  keyBytes(logKey: Uint8Array): Uint8Array {
    return logKey;
  }

  windowStartMs(): number {
    return 0;
  }
}

/** Source of the changelog key: `org.apache.kafka.streams.state.internals.WindowKeySchema`. */
export class WindowedKeys implements KeyLayout {
  readonly #store: number;
  readonly sliceMs: number;

  constructor(store: number, sliceMs: number) {
    this.#store = store;
    this.sliceMs = sliceMs;
  }

  logKey(keyBytes: Uint8Array, windowStartMs: number): Uint8Array {
    const key = newBytes(keyBytes.length + INT64_BYTES + SEQUENCE_BYTES);
    key.set(keyBytes);
    writeInt64(key, keyBytes.length, windowStartMs);
    return key;
  }

  databaseKey(logKey: Uint8Array): Uint8Array {
    const keyAndStart = logKey.length - SEQUENCE_BYTES;
    const key = rowPrefix(this.#store, ROW_PREFIX_BYTES + INT64_BYTES + keyAndStart);
    writeInt64(key, ROW_PREFIX_BYTES, this.slice(this.windowStartMs(logKey)));
    key.set(logKey.subarray(0, keyAndStart), ROW_PREFIX_BYTES + INT64_BYTES);
    return key;
  }

  logKeyOf(databaseKey: Uint8Array): Uint8Array {
    const at = ROW_PREFIX_BYTES + INT64_BYTES;
    const key = newBytes(databaseKey.length - at + SEQUENCE_BYTES);
    key.set(databaseKey.subarray(at));
    return key;
  }

  keyBytes(logKey: Uint8Array): Uint8Array {
    return logKey.subarray(0, logKey.length - INT64_BYTES - SEQUENCE_BYTES);
  }

  windowStartMs(logKey: Uint8Array): number {
    return readInt64(logKey, logKey.length - INT64_BYTES - SEQUENCE_BYTES);
  }

  slice(windowStartMs: number): number {
    return Math.floor(windowStartMs / this.sliceMs);
  }

  /** Where the rows of a key are whose windows start in `[fromMs, toMs]`; rows of longer keys may lie between. */
  rangesOfKey(keyBytes: Uint8Array, { fromMs, toMs }: TimeRange): StorageRange[] {
    const ranges: StorageRange[] = [];
    if (fromMs > toMs) return ranges;
    const lastSlice = this.slice(toMs);
    for (let slice = this.slice(fromMs); slice <= lastSlice; slice++) {
      const first = Math.max(fromMs, slice * this.sliceMs);
      const last = Math.min(toMs, (slice + 1) * this.sliceMs - 1);
      const from = this.databaseKey(this.logKey(keyBytes, first));
      const to = afterKey(this.databaseKey(this.logKey(keyBytes, last)));
      ranges.push({ from, to });
    }
    return ranges;
  }

  /** The slices that have windows which start in `[fromMs, toMs]`. */
  rangesOfTime({ fromMs, toMs }: TimeRange): StorageRange[] {
    return fromMs > toMs ? [] : [this.slices(this.slice(fromMs), this.slice(toMs) + 1)];
  }

  /** All rows of the slices `[fromSlice, toSlice)`. */
  slices(fromSlice: number, toSlice: number): StorageRange {
    return { from: this.#sliceKey(fromSlice), to: this.#sliceKey(toSlice) };
  }

  #sliceKey(slice: number): Uint8Array {
    const key = rowPrefix(this.#store, ROW_PREFIX_BYTES + INT64_BYTES);
    writeInt64(key, ROW_PREFIX_BYTES, slice);
    return key;
  }
}

/** Of the pages of a paged store: `slice, key, u32 page`, so that a slice is one range (docs/formats.md). */
export class PageKeys {
  readonly #store: number;

  constructor(store: number) {
    this.#store = store;
  }

  databaseKey(slice: number, keyBytes: Uint8Array, page: number): Uint8Array {
    const at = ROW_PREFIX_BYTES + INT64_BYTES;
    const key = rowPrefix(this.#store, at + keyBytes.length + PAGE_NUMBER_BYTES);
    writeInt64(key, ROW_PREFIX_BYTES, slice);
    key.set(keyBytes, at);
    writeInt32(key, at + keyBytes.length, page);
    return key;
  }

  slice(databaseKey: Uint8Array): number {
    return readInt64(databaseKey, ROW_PREFIX_BYTES);
  }

  keyBytes(databaseKey: Uint8Array): Uint8Array {
    return databaseKey.subarray(
      ROW_PREFIX_BYTES + INT64_BYTES,
      databaseKey.length - PAGE_NUMBER_BYTES,
    );
  }

  page(databaseKey: Uint8Array): number {
    return readInt32(databaseKey, databaseKey.length - PAGE_NUMBER_BYTES);
  }
}

/** All keys of a store that begin with these bytes. */
export function prefixRange(store: number, prefix: Uint8Array): StorageRange {
  const from = rowPrefix(store, ROW_PREFIX_BYTES + prefix.length);
  from.set(prefix, ROW_PREFIX_BYTES);
  return { from, to: afterPrefix(from) };
}
