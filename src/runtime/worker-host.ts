import type { Timers } from '../common/clock.ts';
import { transferError } from '../common/error-transfer.ts';
import { StreamsError } from '../common/errors.ts';
import type { MetricSample } from '../observability/metrics-registry.ts';
import type { InstanceHooks, RunningInstance } from './running-instance.ts';
import type { TaskGuard } from './shared-state-directory.ts';
import type { UncaughtExceptionResponse } from './streams-config.ts';
import type { ToWorker, WorkerPort } from './worker-messages.ts';

export interface WorkerHostOptions {
  readonly port: WorkerPort;
  readonly open: (
    hooks: InstanceHooks,
    guard: TaskGuard,
    signal: AbortSignal,
  ) => Promise<RunningInstance>;
  readonly onUncaught: (error: StreamsError) => UncaughtExceptionResponse;
  /** Series of this worker, as they are now. */
  readonly samples: () => readonly MetricSample[];
  readonly timers: Timers;
}

/** How old the metrics of a worker may be where the pool shows them. */
const METRICS_INTERVAL_MS = 1_000;

/**
 * Runs one instance in a worker thread, as its `WorkerPool` says. Resolves after `close`.
 *
 * Nothing is thrown here: what fails is told to the pool, which decides.
 */
export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #opening = new AbortController();
  readonly #toldToClose: Promise<void>;
  #close: () => void = () => undefined;
  /** By task: what to do when its folder is granted. */
  readonly #waiting = new Map<string, () => void>();
  #instance: RunningInstance | null = null;
  #isStopping = false;

  private constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#toldToClose = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  static async run(options: WorkerHostOptions): Promise<void> {
    const host = new WorkerHost(options);
    options.port.onMessage((message) => {
      host.#obey(message);
    });
    const reports = new AbortController();
    void host.#report(reports.signal);
    const life = host.#live();
    await host.#toldToClose;
    reports.abort();
    // Whatever still waits for a broker fails, so that `run` ends.
    await host.#instance?.close();
    await life;
    host.#sendMetrics();
    options.port.send({ kind: 'closed' });
  }

  #obey(message: ToWorker): void {
    switch (message.kind) {
      case 'stop':
        this.#isStopping = true;
        this.#stopOpening();
        this.#instance?.stop();
        break;
      case 'leaveGroup':
        void this.#leave();
        break;
      case 'close':
        this.#stopOpening();
        this.#close();
        break;
      case 'granted':
        this.#grant(message.taskId);
    }
  }

  #grant(taskId: string): void {
    const granted = this.#waiting.get(taskId);
    this.#waiting.delete(taskId);
    granted?.();
  }

  #stopOpening(): void {
    this.#opening.abort(new StreamsError('STREAMS_STOPPED', 'the instance was closed'));
  }

  async #live(): Promise<void> {
    const { port, open, onUncaught } = this.#options;
    const hooks: InstanceHooks = {
      restoreListener: {
        start: (event) => {
          port.send({ kind: 'restore', step: 'start', event });
        },
        batch: (event) => {
          port.send({ kind: 'restore', step: 'batch', event });
        },
        end: (event) => {
          port.send({ kind: 'restore', step: 'end', event });
        },
      },
      onRunning: (running) => {
        port.send({ kind: 'running', running });
      },
      onUncaught,
    };
    try {
      const instance = await open(hooks, this.#guard(), this.#opening.signal);
      this.#instance = instance;
      port.send({ kind: 'opened' });
      if (this.#isStopping) instance.stop();
      await instance.run();
      port.send({ kind: 'ended', error: null });
    } catch (error) {
      port.send({ kind: 'ended', error: transferError(error) });
    }
  }

  async #leave(): Promise<void> {
    const { port } = this.#options;
    try {
      await this.#instance?.leaveGroup();
      port.send({ kind: 'left', error: null });
    } catch (error) {
      port.send({ kind: 'left', error: transferError(error) });
    }
  }

  #guard(): TaskGuard {
    const { port } = this.#options;
    return {
      acquire: (taskId, signal) => this.#acquire(taskId, signal),
      release: (taskId) => {
        port.send({ kind: 'release', taskId });
      },
    };
  }

  /**
   * Whoever gives up waiting keeps the place in the line: a second `acquire` takes it over, and without one the folder is
   * given back as soon as it is granted. So a grant that is on its way never meets the wrong asker.
   */
  #acquire(taskId: string, signal?: AbortSignal): Promise<void> {
    const { port } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        if (this.#waiting.get(taskId) !== granted) return; // granted already
        this.#waiting.set(taskId, () => {
          port.send({ kind: 'release', taskId });
        });
        reject(signal?.reason as Error); // what the thread aborted it with
      };
      const granted = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const isInLine = this.#waiting.has(taskId);
      this.#waiting.set(taskId, granted);
      if (!isInLine) port.send({ kind: 'acquire', taskId });
      if (signal?.aborted === true) giveUp();
      else signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { timers } = this.#options;
    for (;;) {
      try {
        await timers.sleep(METRICS_INTERVAL_MS, signal);
      } catch {
        return; // closed
      }
      this.#sendMetrics();
    }
  }

  #sendMetrics(): void {
    const { port, samples } = this.#options;
    port.send({ kind: 'metrics', samples: samples() });
  }
}
