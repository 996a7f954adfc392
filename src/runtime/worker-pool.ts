import type { Timers } from '../common/clock.ts';
import { transferError, type TransferredError } from '../common/error-transfer.ts';
import { isStreamsError } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { MetricSample } from '../observability/metrics-registry.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import { PooledWorker, type WorkerNews } from './pooled-worker.ts';
import type { InstanceHooks, RunningInstance } from './running-instance.ts';
import { settleAll } from './settle-all.ts';
import { TaskFolders } from './task-folders.ts';
import { writeLine } from './worker-logger.ts';
import type { SpawnWorker, WorkerStart } from './worker-messages.ts';

export interface WorkerPoolOptions {
  readonly spawn: SpawnWorker;
  readonly start: Omit<WorkerStart, 'index' | 'processId' | 'predecessor'>;
  /** Locks the state folder for all workers. */
  readonly openFolder: () => Promise<StateDirectory>;
  /** How long a worker may take to stop, and to close, before it is ended. */
  readonly closeTimeoutMs: number;
  /** How long after its death a worker is replaced. */
  readonly replaceAfterMs: number;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * The threads of an instance as worker threads, each with an instance of its own in it (docs/adr/0016-threads.md).
 *
 * A worker that dies gets a successor, which asks the module's handler whether it is to take its place. One that dies
 * before it has run gets none, since that would too. An error that a worker reports ends all of them, as it does within one thread.
 */
export class WorkerPool implements RunningInstance {
  readonly #options: WorkerPoolOptions;
  readonly #hooks: InstanceHooks;
  readonly #folder: StateDirectory;
  readonly #folders: TaskFolders;
  readonly #workers = new Map<number, PooledWorker>();
  readonly #samples = new Map<number, readonly MetricSample[]>();
  readonly #stopping = new AbortController();
  #closing: Promise<void> | null = null;

  private constructor(options: WorkerPoolOptions, hooks: InstanceHooks, folder: StateDirectory) {
    this.#options = options;
    this.#hooks = hooks;
    this.#folder = folder;
    this.#folders = new TaskFolders((worker, taskId) => {
      this.#workers.get(worker)?.send({ kind: 'granted', taskId });
    });
  }

  /** Whatever it has opened is closed again when it rejects. */
  static async open(
    options: WorkerPoolOptions,
    hooks: InstanceHooks,
    signal: AbortSignal,
  ): Promise<WorkerPool> {
    const pool = new WorkerPool(options, hooks, await options.openFolder());
    const close = (): void => {
      void pool.close(); // a worker that hangs in its module hears nothing: after the deadline it is ended
    };
    signal.addEventListener('abort', close, { once: true });
    try {
      signal.throwIfAborted();
      const indexes = Array.from({ length: options.start.threads }, (_, i) => i + 1);
      await Promise.all(indexes.map((index) => pool.#spawn(index).opened));
      return pool;
    } catch (error) {
      await pool.close();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  /** The series of all workers, at most a second old. */
  get samples(): readonly MetricSample[] {
    return [...this.#samples.values()].flat();
  }

  async run(): Promise<void> {
    const running = [...this.#workers.keys()].map((index) => this.#supervise(index));
    try {
      await Promise.all(running);
    } catch (error) {
      this.stop();
      await this.#inTime(Promise.allSettled(running), 'a worker thread does not stop: it is ended');
      await this.#terminate([...this.#workers.values()].filter(({ hasEnded }) => !hasEnded));
      throw error;
    }
  }

  stop(): void {
    this.#stopping.abort();
    for (const worker of this.#workers.values()) worker.send({ kind: 'stop' });
  }

  async leaveGroup(): Promise<void> {
    const alive = [...this.#workers.values()].filter(({ isGone }) => !isGone);
    await settleAll(alive.map((worker) => worker.leaveGroup()));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** None: they live in the workers. */
  stores(): null {
    return null;
  }

  #spawn(index: number, predecessor: TransferredError | null = null): PooledWorker {
    const { spawn, start } = this.#options;
    const worker = new PooledWorker({
      spawn,
      start: { ...start, index, predecessor, processId: this.#folder.processId },
      onNews: (news) => {
        this.#hear(index, news);
      },
      onGone: () => {
        this.#folders.releaseAll(index);
        this.#noteRunning();
      },
    });
    this.#workers.set(index, worker);
    return worker;
  }

  #hear(index: number, news: WorkerNews): void {
    switch (news.kind) {
      case 'running':
        this.#noteRunning();
        break;
      case 'acquire':
        this.#folders.acquire(index, news.taskId);
        break;
      case 'release':
        this.#folders.release(index, news.taskId);
        break;
      case 'metrics':
        this.#samples.set(index, news.samples);
        break;
      case 'restore':
        this.#tellRestore(news);
        break;
      case 'log':
        writeLine(this.#options.logger, news.line);
    }
  }

  #tellRestore({ step, event }: Extract<WorkerNews, { readonly kind: 'restore' }>): void {
    try {
      this.#hooks.restoreListener[step](event);
    } catch (error) {
      this.#options.logger.warn({ err: error, ...event }, 'the restore listener threw');
    }
  }

  #noteRunning(): void {
    this.#hooks.onRunning([...this.#workers.values()].every(({ isRunning }) => isRunning));
  }

  /** Until the worker of this index ends, it and those that replaced it. */
  async #supervise(index: number): Promise<void> {
    const { logger, replaceAfterMs, timers } = this.#options;
    for (;;) {
      const worker = this.#workers.get(index);
      if (worker === undefined) return;
      try {
        await worker.ended;
        return;
      } catch (error) {
        const isStopping = this.#stopping.signal.aborted;
        // It was cut off while it opened, with nothing to commit.
        if (isStopping && isStreamsError(error, 'STREAMS_STOPPED')) return;
        const mayReplace = worker.isGone && worker.hasRun && !isStopping;
        if (!mayReplace || !isStreamsError(error, 'STREAMS_WORKER_DIED')) throw error;
        logger.error({ err: error, worker: index }, 'a worker thread has died');
        try {
          await timers.sleep(replaceAfterMs, this.#stopping.signal);
        } catch {
          return; // stopped meanwhile
        }
        this.#spawn(index, transferError(error));
      }
    }
  }

  async #close(): Promise<void> {
    const workers = [...this.#workers.values()];
    this.#stopping.abort();
    await this.#inTime(
      Promise.all(workers.map((worker) => worker.close())),
      'a worker thread does not close: it is ended',
    );
    await this.#terminate(workers);
    await this.#folder.close();
  }

  async #inTime(work: Promise<unknown>, whenLate: string): Promise<void> {
    const { closeTimeoutMs, timers, logger } = this.#options;
    const inTime = new AbortController();
    const tooLate = timers.sleep(closeTimeoutMs, inTime.signal).then(
      () => {
        logger.warn({ closeTimeoutMs }, whenLate);
      },
      () => undefined,
    );
    await Promise.race([work, tooLate]);
    inTime.abort();
  }

  async #terminate(workers: readonly PooledWorker[]): Promise<void> {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
