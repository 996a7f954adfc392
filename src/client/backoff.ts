import type { Random } from '../common/clock.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

const SPREAD = 0.2;

/** Waits that double from `firstMs` to `maxMs`, each up to 20 % shorter or longer, so that clients do not knock in step. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #nextMs: number;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#nextMs = options.firstMs;
  }

  nextMs(): number {
    const delayMs = this.#nextMs * (1 + SPREAD * (2 * this.#random.next() - 1));
    this.#nextMs = Math.min(this.#nextMs * 2, this.#options.maxMs);
    return delayMs;
  }

  reset(): void {
    this.#nextMs = this.#options.firstMs;
  }
}
