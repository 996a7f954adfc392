import type { Timer, Timers } from '../common/clock.ts';

export interface HeartbeatsOptions {
  readonly timers: Timers;
  readonly intervalMs: number;
  /** Sends one; never rejects. */
  readonly beat: () => Promise<void>;
}

/** Calls `beat` every `intervalMs` while it runs, never twice at a time. Time that a beat takes counts. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  #timer: Timer | null = null;
  #isRunning = false;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#schedule();
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(): void {
    const { timers, intervalMs, beat } = this.#options;
    const timer = timers.schedule(intervalMs, () => {
      void beat().then(() => {
        if (this.#isRunning && this.#timer === timer) this.#schedule();
      });
    });
    this.#timer = timer;
  }
}
