import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';

/**
 * What the two sides of a stream-stream join know of time together: the stream time of both, and when to look again for
 * records whose window has closed without a match.
 *
 * `pendingFromMs` only saves looks: it is a time up to which none was found pending the last time, and `Infinity` where
 * that is not known. Source: `KStreamImplJoin.TimeTracker`.
 */
export class JoinTime {
  #streamTimeMs = -1;
  #nextLookMs = 0;
  pendingFromMs = Number.POSITIVE_INFINITY;

  get streamTimeMs(): number {
    return this.#streamTimeMs;
  }

  advance(timestampMs: number): void {
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;
  }

  /** Whether it is time for a look, by the wall clock; if so, the next one is an interval away, whichever way the clock went. */
  takeLook({
    currentSystemTimeMs: nowMs,
    emitIntervalMs,
  }: Pick<InternalProcessorContext, 'currentSystemTimeMs' | 'emitIntervalMs'>): boolean {
    if (nowMs < this.#nextLookMs) return false;
    this.#nextLookMs = nowMs + emitIntervalMs;
    return true;
  }
}
