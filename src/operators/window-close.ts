import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';

/** Whether a windowed aggregation gives each update of a window, or each window once, when it has closed. */
export type EmitStrategy = 'onWindowUpdate' | 'onWindowClose';

const NONE = -1;

/**
 * Up to where the windows of an aggregation have been emitted because they had closed. What it knows is committed with
 * the offsets of the task, as Kafka Streams does, so that no restart emits a window again; it is asked for each time, so
 * that a record which is taken back takes that back too.
 *
 * It looks at most once in `emitIntervalMs` of wall-clock time, and only when a record comes: stream time moves with
 * records only. Where stream time goes on by more than the retention of the store between two looks, windows expire before
 * they are emitted, and nothing counts them, as in Kafka Streams: a longer retention keeps them.
 *
 * Source: KIP-825, `AbstractKStreamTimeWindowAggregateProcessor`; parity W18, W19, trap 6.
 */
export class WindowClose {
  readonly #context: InternalProcessorContext;
  readonly #store: string;
  readonly #emitIntervalMs: number;
  #nextLookMs = 0;

  constructor(context: InternalProcessorContext, store: string) {
    this.#context = context;
    this.#store = store;
    this.#emitIntervalMs = context.emitIntervalMs;
  }

  /** Windows that close before this stream time have been emitted; -1 where none has. */
  get emittedToMs(): number {
    return this.#context.processorTimeMs(this.#store) ?? NONE;
  }

  /** Whether to look for windows that have closed by this stream time. If so, the next look is an interval away. */
  takeLook(closeMs: number): boolean {
    const nowMs = this.#context.currentSystemTimeMs;
    if (nowMs < this.#nextLookMs) return false;
    this.#nextLookMs = nowMs + this.#emitIntervalMs;
    return this.emittedToMs < closeMs;
  }

  emitted(closeMs: number): void {
    this.#context.keepProcessorTime(this.#store, closeMs);
  }
}
