import { copyBytes } from '../common/byte-pool.ts';

const SEGMENT_BYTES = 16_384;
/** A longer one is copied by itself: too much of a segment would be left over. */
const MAX_SHARED_BYTES = 2048;

/**
 * Bytes out of a fetched buffer that belong to whoever gets them: views of copies of 16 KiB each. One copy for many
 * records takes a third of one for each (110 ns: two views and a call out of JavaScript), and a view that is kept keeps
 * 16 KiB instead of a fetch answer of megabytes.
 *
 * Ranges of a buffer are asked for in ascending order; one that does not ascend is copied by itself, so no two views
 * share a byte.
 */
export class OwnedBytes {
  #source: Uint8Array | null = null;
  #segment: ArrayBufferLike = new ArrayBuffer(0);
  /** `[start, end)` of the source is in the segment. */
  #start = 0;
  #end = 0;
  /** Everything of the source below it may have been given out. */
  #next = 0;

  view(source: Uint8Array, start: number, end: number): Uint8Array {
    const isThere = source === this.#source && start >= this.#next && end <= this.#end;
    if (!isThere) {
      if (end - start > MAX_SHARED_BYTES) return copyBytes(source, start, end);
      this.#copy(source, start);
    }
    this.#next = end;
    return new Uint8Array(this.#segment, start - this.#start, end - start);
  }

  #copy(source: Uint8Array, start: number): void {
    const end = Math.min(start + SEGMENT_BYTES, source.length);
    const segment = Buffer.allocUnsafeSlow(end - start);
    segment.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start));
    this.#source = source;
    this.#segment = segment.buffer;
    this.#start = start;
    this.#end = end;
  }
}
