import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  readonly deadlineMs: number;
  readonly everyMs?: number;
  readonly signal: AbortSignal;
}

/** Asks again and again until the answer is something; fails, saying what was waited for, after the deadline. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { deadlineMs, everyMs = 20, signal }: WaitOptions,
): Promise<T> {
  const giveUpMs = performance.now() + deadlineMs;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpMs) {
      throw new Error(`waited ${deadlineMs / 1000} s for ${what}`);
    }
    await sleep(everyMs, undefined, { signal });
  }
}
