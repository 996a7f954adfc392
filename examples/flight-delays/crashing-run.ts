import { setTimeout as sleep } from 'node:timers/promises';
import { AppProcess } from './app-process.ts';
import type { Cluster } from './cluster.ts';
import { ProgressBar } from './progress.ts';
import { until } from './wait.ts';

export interface CrashingRunOptions {
  readonly cluster: Cluster;
  readonly group: string;
  readonly input: string;
  readonly output: string;
  readonly total: number;
  /** Of the application's process. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface Crash {
  readonly afterFlights: number;
  readonly insideTransaction: boolean;
  /** From the start of the next process to the first output that it committed. */
  readonly backMs: number;
}

const FIRST_KILL_AT = 0.2;
const SECOND_KILL_AT = 0.5;
const STALL_DEADLINE_MS = 60_000;
const HUNT_DEADLINE_MS = 30_000;

/**
 * Runs the application until it has processed and committed `total` flights, and kills it twice on the way with
 * SIGKILL: once at any moment, once while a transaction of its is open. Stops it cleanly at the end.
 */
export async function runAndCrash(options: CrashingRunOptions): Promise<readonly Crash[]> {
  const { cluster, group, input, output, total, env, signal } = options;
  const bar = new ProgressBar('processed', total);
  const crashes: Crash[] = [];
  let app = new AppProcess(env);
  try {
    await committedUpTo(total * FIRST_KILL_AT);
    crashes.push(await crash(false));
    await committedUpTo(total * SECOND_KILL_AT);
    await catchInsideTransaction();
    crashes.push(await crash(true));
    await committedUpTo(total);
    await app.stop();
    bar.finish();
    return crashes;
  } finally {
    await app.kill();
  }

  async function committedUpTo(count: number): Promise<void> {
    let last = -1;
    let lastChangeMs = performance.now();
    for (;;) {
      signal.throwIfAborted();
      app.throwIfEnded();
      const done = await cluster.committed(group, input);
      bar.update(done);
      if (done >= count) return;
      if (done !== last) lastChangeMs = performance.now();
      else if (performance.now() - lastChangeMs > STALL_DEADLINE_MS) {
        throw new Error(
          `no progress for ${STALL_DEADLINE_MS / 1000} s after ${done} flights\n${app.output}`,
        );
      }
      last = done;
      await sleep(20, undefined, { signal });
    }
  }

  /** Stops the clock of the application while a transaction is open, and makes sure that it was. */
  async function catchInsideTransaction(): Promise<void> {
    await until(
      'an open transaction',
      async () => {
        app.throwIfEnded();
        if (!(await cluster.hasOpenTransaction(output))) return undefined;
        app.pause();
        // What was on its way to the broker arrives: an EndTxn that had been sent ends the transaction.
        await sleep(50);
        if (await cluster.hasOpenTransaction(output)) return true;
        app.resume();
        return undefined;
      },
      { deadlineMs: HUNT_DEADLINE_MS, everyMs: 1, signal },
    );
  }

  async function crash(insideTransaction: boolean): Promise<Crash> {
    await app.kill();
    const afterFlights = await cluster.committed(group, input);
    if (afterFlights >= total) {
      throw new Error('the application was done before it could be killed: give more --flights');
    }
    if (insideTransaction && !(await cluster.hasOpenTransaction(output))) {
      throw new Error('the transaction was over before the application was killed');
    }
    await using watch = await cluster.watch(output);
    app = new AppProcess(env);
    const check = (): void => {
      app.throwIfEnded();
    };
    await watch.first(check, { deadlineMs: STALL_DEADLINE_MS, signal });
    return { afterFlights, insideTransaction, backMs: performance.now() - app.startedMs };
  }
}
