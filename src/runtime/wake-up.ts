import type { Timers } from '../common/clock.ts';

/**
 * How a loop sleeps until something happens. A call of `wake` while it is awake is not lost: the next `sleep` returns
 * at once.
 */
export class WakeUp {
  readonly #timers: Timers;
  #woken = false;
  #resume: (() => void) | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Bound, since it is handed out as a callback. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#resume?.();
  };

  /** Resolves when woken, or after `maxMs`. */
  async sleep(maxMs: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = this.#timers.schedule(maxMs, resolve);
        this.#resume = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#resume = null;
    this.#woken = false;
  }
}
