import { Backoff, type BackoffOptions } from '../client/backoff.ts';
import type { Clock, Random } from '../common/clock.ts';

export interface FailureClockOptions {
  /** `taskTimeoutMs`: how long to go on without progress. */
  readonly timeoutMs: number;
  readonly backoff: BackoffOptions;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Bounds what is tried again: failures that follow each other without any progress for longer than the limit are one
 * failure that nothing mends. Progress is a commit, or a restored batch that is on disk.
 */
export class FailureClock {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #backoff: Backoff;
  #firstMs: number | null = null;

  constructor({ clock, random, timeoutMs, backoff }: FailureClockOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#backoff = new Backoff(backoff, random);
  }

  progress(): void {
    this.#firstMs = null;
    this.#backoff.reset();
  }

  /** Notes a failure: how long to wait before the next try, or null where the time for trying is over. */
  failed(): number | null {
    const nowMs = this.#clock.monotonicMs();
    this.#firstMs ??= nowMs;
    return nowMs - this.#firstMs > this.#timeoutMs ? null : this.#backoff.nextMs();
  }
}
