import { parentPort, Worker, workerData } from 'node:worker_threads';
import { invariant } from '../../common/errors.ts';
import type {
  FromWorker,
  SpawnWorker,
  ToWorker,
  WorkerPort,
  WorkerStart,
} from '../../runtime/worker-messages.ts';

/** Starts worker threads that run the file at `url`, which begins with `thisWorker`. */
export function workerSpawner(url: URL): SpawnWorker {
  return (start, events) => {
    const worker = new Worker(url, { workerData: start, name: `millrace-${start.index}` });
    let cause: Error | null = null;
    worker.on('message', (message: FromWorker) => {
      events.message(message);
    });
    worker.on('error', (error: unknown) => {
      cause = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', (code) => {
      events.exit(cause ?? new Error(`the thread ended with exit code ${code}`));
    });
    return {
      send: (message) => {
        worker.postMessage(message);
      },
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
}

export interface ThisWorker {
  readonly start: WorkerStart;
  readonly port: WorkerPort;
  /** Lets the thread end when nothing else is open. */
  readonly release: () => void;
}

/** In a worker thread that `workerSpawner` has started. */
export function thisWorker(): ThisWorker {
  const port = parentPort;
  invariant(port !== null, 'this file runs in a worker thread');
  return {
    start: workerData as WorkerStart, // what `workerSpawner` gave it
    port: {
      send: (message) => {
        port.postMessage(message);
      },
      onMessage: (handle) => {
        port.on('message', (message: ToWorker) => {
          handle(message);
        });
      },
    },
    release: () => {
      port.close();
    },
  };
}
