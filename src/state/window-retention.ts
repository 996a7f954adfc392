import { readInt64, writeInt64 } from '../common/bytes.ts';
import { WindowedKeys, windowMetaKey } from './database-keys.ts';
import type { StorageEntry, StorageRange, TaskStorage } from './task-storage.ts';

const LEAST_SLICE_MS = 60_000;
const NONE_SEEN = -1;

export interface WindowRetentionOptions {
  readonly storage: TaskStorage;
  readonly store: number;
  readonly retentionMs: number;
}

/**
 * Which windows of a store are alive: those that start after the highest window start seen less the retention. What it
 * has seen is committed with the rows, so that no window comes back after a restart, and is taken back on abort.
 *
 * Rows expire by slices of `max(retention / 2, 60 s)`, so bytes live up to a slice longer than reads show them.
 * Source: `org.apache.kafka.streams.state.internals.AbstractSegments`, `AbstractRocksDBSegmentedBytesStore`.
 */
export class WindowRetention {
  readonly keys: WindowedKeys;
  readonly #retentionMs: number;
  readonly #metaKey: Uint8Array;
  #observedMs = NONE_SEEN;
  #committedMs = NONE_SEEN;
  /** Whether the storage lacks the committed time. */
  #changed = false;
  #clearedBelowSlice = 0;

  constructor({ storage, store, retentionMs }: WindowRetentionOptions) {
    this.#retentionMs = retentionMs;
    this.#metaKey = windowMetaKey(store);
    let sliceMs = Math.max(Math.floor(retentionMs / 2), LEAST_SLICE_MS);
    const kept = storage.get(this.#metaKey);
    if (kept !== undefined) {
      sliceMs = readInt64(kept, 0); // the rows lie in slices of that width, whatever the retention is now
      this.#observedMs = this.#committedMs = readInt64(kept, 8);
    }
    this.keys = new WindowedKeys(store, sliceMs);
  }

  /** Windows that start here or before have expired. */
  get expiredUpToMs(): number {
    return this.#observedMs - this.#retentionMs;
  }

  get committedExpiredUpToMs(): number {
    return this.#committedMs - this.#retentionMs;
  }

  /** The highest window start seen, -1 at first. */
  get observedMs(): number {
    return this.#observedMs;
  }

  get committedMs(): number {
    return this.#committedMs;
  }

  /** Takes a write into account; false if its window has expired. */
  observe(windowStartMs: number): boolean {
    if (windowStartMs > this.#observedMs) this.#observedMs = windowStartMs;
    return windowStartMs > this.expiredUpToMs;
  }

  /** Where the first slice begins that is kept, once a time up to which windows have expired is known. */
  firstKeptMs(expiredUpToMs: number): number {
    return this.keys.slice(Math.max(0, expiredUpToMs)) * this.keys.sliceMs;
  }

  /** For undo. */
  resetTo(observedMs: number): void {
    this.#observedMs = observedMs;
  }

  commit(): void {
    if (this.#observedMs === this.#committedMs) return;
    this.#committedMs = this.#observedMs;
    this.#changed = true;
  }

  discard(): void {
    this.#observedMs = this.#committedMs;
  }

  /** What has to be written beside the rows; empty where nothing changed. */
  changes(): readonly StorageEntry[] {
    if (!this.#changed) return [];
    this.#changed = false;
    const value = new Uint8Array(16);
    writeInt64(value, 0, this.keys.sliceMs);
    writeInt64(value, 8, this.#committedMs);
    return [[this.#metaKey, value]];
  }

  /** The slices that have expired since it was last asked. By committed time: an abort must not have cleared a row. */
  expired(): StorageRange | null {
    const firstLive = this.keys.slice(Math.max(0, this.committedExpiredUpToMs));
    if (firstLive <= this.#clearedBelowSlice) return null;
    const range = this.keys.slices(this.#clearedBelowSlice, firstLive);
    this.#clearedBelowSlice = firstLive;
    return range;
  }
}
