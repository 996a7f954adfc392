import { StreamsError } from '../../common/errors.ts';
import type { FramePool } from './frame-pool.ts';

const LENGTH_BYTES = 4;

/**
 * Cuts a stream of chunks into Kafka's frames, `int32 length | bytes`.
 *
 * A frame is collected in one buffer of its own, taken once its length is known, so views of it stay valid until it is
 * given back to the pool.
 * Throws `STREAMS_CORRUPT_MESSAGE` for a length below 4 or above `maxFrameBytes`: whoever sends that is no Kafka
 * broker, and the stream cannot be read any further.
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #pool: FramePool;
  readonly #onFrame: (frame: Buffer) => void;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthBytes = 0;
  #frame: Buffer | null = null;
  #frameBytes = 0;

  constructor(maxFrameBytes: number, pool: FramePool, onFrame: (frame: Buffer) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#pool = pool;
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#frame === null ? this.#readLength(chunk, at) : this.#fill(this.#frame, chunk, at);
    }
  }

  #readLength(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#length, this.#lengthBytes, at);
    this.#lengthBytes += copied;
    if (this.#lengthBytes < LENGTH_BYTES) return at + copied;
    const length = this.#length.readInt32BE(0);
    if (length < LENGTH_BYTES || length > this.#maxFrameBytes) {
      throw new StreamsError(
        'STREAMS_CORRUPT_MESSAGE',
        `an answer of ${length} bytes was announced, ${this.#maxFrameBytes} are allowed: ` +
          'check that a Kafka broker listens at this address',
      );
    }
    this.#lengthBytes = 0;
    this.#frame = this.#pool.take(length);
    this.#frameBytes = 0;
    return at + copied;
  }

  #fill(frame: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(frame, this.#frameBytes, at);
    this.#frameBytes += copied;
    if (this.#frameBytes === frame.length) {
      this.#frame = null;
      this.#onFrame(frame);
    }
    return at + copied;
  }
}
