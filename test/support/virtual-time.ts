import type { Clock, Random, Timer, Timers } from '../../src/common/clock.ts';

interface Scheduled {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A request and what its answer sets off take fewer turns of the event loop than this. */
const TURNS_TO_REST = 20;

/**
 * A clock that stands still until `advance` moves it, or somebody sleeps: a sleep lets what is ready happen, then moves the
 * clock by its length and fires what was due. With `jumps` it moves by itself, from one scheduled time to the next, whenever
 * the event loop has come to rest.
 */
export class VirtualTime implements Clock, Timers {
  jumps = false;
  #nowMs = 1_000_000;
  #scheduled = new Set<Scheduled>();
  #isJumping = false;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const scheduled = { atMs: this.#nowMs + delayMs, callback };
    this.#scheduled.add(scheduled);
    if (this.jumps) void this.#jump();
    return { cancel: () => this.#scheduled.delete(scheduled) };
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    await this.yieldToEventLoop();
    signal?.throwIfAborted();
    this.advance(delayMs);
  }

  yieldToEventLoop(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Moves the clock and fires what is due on the way, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#scheduled]
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#scheduled.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = endMs;
  }

  async #jump(): Promise<void> {
    if (this.#isJumping) return;
    this.#isJumping = true;
    while (this.#scheduled.size > 0) {
      for (let turn = 0; turn < TURNS_TO_REST; turn++) await this.yieldToEventLoop();
      const next = Math.min(...[...this.#scheduled].map(({ atMs }) => atMs));
      if (Number.isFinite(next)) this.advance(Math.max(0, next - this.#nowMs));
    }
    this.#isJumping = false;
  }

  /** Moves the clock in steps, letting everything that a step sets off happen, until the condition holds. */
  async advanceUntil(what: string, condition: () => boolean, stepMs = 10): Promise<void> {
    for (let step = 0; !condition(); step++) {
      if (step > 100_000) throw new Error(`never: ${what}`);
      await this.yieldToEventLoop();
      if (!condition()) this.advance(stepMs);
    }
  }
}

/** Always the middle. */
export const middleRandom: Random = {
  next: () => 0.5,
  uuid: () => '00000000-0000-4000-8000-000000000000',
};
