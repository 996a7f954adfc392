import type { CacheOwner, RecordCache } from './record-cache.ts';

/** The record cache of one stream thread: counts what its stores hold back and asks the one that grew to let go. */
export class SharedRecordCache implements RecordCache {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  grow(owner: CacheOwner, bytes: number): void {
    this.#usedBytes += bytes;
    if (bytes > 0 && this.#usedBytes > this.maxBytes && owner.heldBytes > 0) owner.evict();
  }
}
