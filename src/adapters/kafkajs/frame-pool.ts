/** Smaller answers are not worth keeping: they share no more than a page. */
const MIN_POOLED_BYTES = 32_768;
/** A buffer takes no frame that fills less than this part of it, so that what is kept does not grow without need. */
const MAX_TIMES_FRAME = 4;

/**
 * Buffers for frames, some of which come back. Fetch answers are most of what a process allocates outside of V8's heap,
 * and V8 collects all of its heap for each 32 MB of that: without the pool half of W1's CPU time.
 */
export class FramePool {
  readonly #maxBytes: number;
  readonly #free: ArrayBufferLike[] = [];
  #freeBytes = 0;

  /** `maxBytes`: of the buffers that lie ready. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  take(length: number): Buffer {
    if (length < MIN_POOLED_BYTES) return Buffer.allocUnsafeSlow(length);
    const at = this.#free.findIndex(
      ({ byteLength }) => byteLength >= length && byteLength <= length * MAX_TIMES_FRAME,
    );
    if (at < 0) return Buffer.allocUnsafeSlow(roundedUp(length)).subarray(0, length);
    const [buffer] = this.#free.splice(at, 1);
    if (buffer === undefined) return Buffer.allocUnsafeSlow(length);
    this.#freeBytes -= buffer.byteLength;
    return Buffer.from(buffer, 0, length);
  }

  /** The buffer behind these bytes lies ready from now on, if there is room; the oldest ones make it. */
  give({ buffer }: Uint8Array): void {
    if (buffer.byteLength < MIN_POOLED_BYTES || buffer.byteLength > this.#maxBytes) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
    while (this.#freeBytes > this.#maxBytes) this.#freeBytes -= this.#free.shift()?.byteLength ?? 0;
  }
}

/** To an eighth of the next power of two, so that answers of about one size find each other's buffers. */
function roundedUp(length: number): number {
  const step = 2 ** Math.ceil(Math.log2(length)) / 8;
  return Math.ceil(length / step) * step;
}
