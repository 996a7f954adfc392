import type { Clock, Timer, Timers } from '../../common/clock.ts';
import type { Delay } from './faults.ts';

/** The broker's waits, of which none outlives it. */
export class BrokerTimers {
  readonly clock: Clock;
  readonly #timers: Timers;
  readonly #pending = new Set<Timer>();
  #isStopped = false;

  constructor(clock: Clock, timers: Timers) {
    this.clock = clock;
    this.#timers = timers;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    if (this.#isStopped) return { cancel: () => undefined };
    const timer = this.#timers.schedule(delayMs, () => {
      this.#pending.delete(timer);
      callback();
    });
    this.#pending.add(timer);
    return {
      cancel: () => {
        timer.cancel();
        this.#pending.delete(timer);
      },
    };
  }

  /** Resolves after the delay; never, once the broker is stopped. */
  wait(delay: Delay): Promise<void> {
    if (typeof delay !== 'number') return delay;
    return new Promise((resolve) => {
      this.schedule(delay, resolve);
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
  }
}
