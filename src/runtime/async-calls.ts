import type { StreamsError } from '../common/errors.ts';
import type { StreamRecord } from '../common/record.ts';
import type { CurrentRecord } from './current-record.ts';

export interface AsyncCallsOptions {
  readonly current: CurrentRecord;
  /** How many records may wait before async processors of one task. */
  readonly maxWaiting: number;
}

/**
 * The calls of async processors and punctuators of one task that have not settled. All of them stem from one record, one
 * punctuation or one flush, since the task begins nothing else before they are through.
 *
 * Between their steps the current record is that of the oldest call, so that what they write into stores is dated.
 */
export class AsyncCalls {
  readonly maxWaiting: number;
  /** Records before all async nodes of the task together. */
  waiting = 0;
  /** The first error; once there is one, what still waits is given up. */
  failure: StreamsError | null = null;

  readonly #current: CurrentRecord;
  readonly #running: StreamRecord<unknown, unknown>[] = [];
  #onIdle: (() => void) | null = null;

  constructor({ current, maxWaiting }: AsyncCallsOptions) {
    this.#current = current;
    this.maxWaiting = maxWaiting;
  }

  get inFlight(): number {
    return this.#running.length;
  }

  begin(record: StreamRecord<unknown, unknown>): void {
    this.#running.push(record);
  }

  end(record: StreamRecord<unknown, unknown>): void {
    this.#running.splice(this.#running.indexOf(record), 1);
    this.restoreCurrent();
    if (this.#running.length > 0) return;
    const onIdle = this.#onIdle;
    this.#onIdle = null;
    onIdle?.();
  }

  /** To be called when the synchronous part of a record is through. */
  restoreCurrent(): void {
    this.#current.record = this.#current.isAbandoned ? null : (this.#running[0] ?? null);
  }

  fail(error: StreamsError): void {
    this.failure ??= error;
  }

  takeFailure(): StreamsError | null {
    const { failure } = this;
    this.failure = null;
    return failure;
  }

  /** Resolves when no call is in flight; never rejects. */
  idle(): Promise<void> {
    if (this.#running.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
