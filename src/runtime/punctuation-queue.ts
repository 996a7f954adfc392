import type { Cancellable, Punctuator } from '../processor/punctuator.ts';
import type { ProcessorNode } from './processor-node.ts';

export interface PunctuationOptions {
  readonly node: ProcessorNode;
  readonly punctuator: Punctuator;
  readonly firstMs: number;
  readonly intervalMs: number;
}

/** One schedule of a processor. */
export class Punctuation implements Cancellable {
  readonly node: ProcessorNode;
  readonly punctuator: Punctuator;
  dueMs: number;
  isCancelled = false;
  readonly #intervalMs: number;

  constructor({ node, punctuator, firstMs, intervalMs }: PunctuationOptions) {
    this.node = node;
    this.punctuator = punctuator;
    this.dueMs = firstMs;
    this.#intervalMs = intervalMs;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  /** To the next multiple of the interval that is still to come: however many were missed, they were one call. */
  reschedule(nowMs: number): void {
    this.dueMs = nextDueMs({ dueMs: this.dueMs, intervalMs: this.#intervalMs, nowMs });
  }
}

export interface DueTime {
  readonly dueMs: number;
  readonly intervalMs: number;
  readonly nowMs: number;
}

/** The first multiple of the interval behind a due time that is still to come. */
export function nextDueMs({ dueMs, intervalMs, nowMs }: DueTime): number {
  const passed = Math.floor((nowMs - dueMs) / intervalMs);
  return dueMs + (Math.max(passed, 0) + 1) * intervalMs;
}

/**
 * The schedules of one task on one clock, stream time or wall clock, by when they are due.
 *
 * Source: `org.apache.kafka.streams.processor.internals.PunctuationQueue`.
 */
export class PunctuationQueue {
  /** Ordered by time, then by when they were scheduled. A task has a handful: no heap. */
  readonly #punctuations: Punctuation[] = [];

  schedule(options: PunctuationOptions): Cancellable {
    const punctuation = new Punctuation(options);
    this.#insert(punctuation);
    return punctuation;
  }

  /**
   * A punctuation that is due, already scheduled anew; null where none is. The caller runs it, then asks again: a
   * punctuator may have cancelled itself or another, or scheduled one.
   */
  takeDue(nowMs: number): Punctuation | null {
    for (;;) {
      const first = this.#punctuations[0];
      if (first === undefined || first.dueMs > nowMs) return null;
      this.#punctuations.shift();
      if (first.isCancelled) continue;
      first.reschedule(nowMs);
      this.#insert(first);
      return first;
    }
  }

  /** When the first one is due; null where there is none. */
  get nextMs(): number | null {
    return this.#punctuations.find(({ isCancelled }) => !isCancelled)?.dueMs ?? null;
  }

  clear(): void {
    this.#punctuations.length = 0;
  }

  #insert(punctuation: Punctuation): void {
    const after = this.#punctuations.findIndex(({ dueMs }) => dueMs > punctuation.dueMs);
    this.#punctuations.splice(after === -1 ? this.#punctuations.length : after, 0, punctuation);
  }
}
