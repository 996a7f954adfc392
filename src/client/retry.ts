import type { Clock, Random, Timers } from '../common/clock.ts';
import { StreamsError, isStreamsError } from '../common/errors.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';

export interface RetryEnvironment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface RetryOptions {
  /** What is tried, for the error: `fetching committed offsets`. */
  readonly what: string;
  readonly backoff: BackoffOptions;
  /** How long to go on, from the first attempt. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `attempt` until it succeeds. An error whose recovery is `retry` is tried again after a wait until the deadline,
 * and then thrown with the time it took; any other error is thrown at once.
 */
export async function retry<T>(
  { clock, timers, random }: RetryEnvironment,
  { what, backoff: backoffOptions, deadlineMs, signal }: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(backoffOptions, random);
  const startMs = clock.monotonicMs();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!isStreamsError(error) || error.recovery !== 'retry') throw error;
      const delayMs = backoff.nextMs();
      if (clock.monotonicMs() - startMs + delayMs > deadlineMs) {
        throw new StreamsError(
          error.code,
          `${what} did not succeed within ${deadlineMs} ms. The last answer was: ${error.message}`,
          { cause: error },
        );
      }
      await timers.sleep(delayMs, signal);
    }
  }
}
