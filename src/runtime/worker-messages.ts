import type { TransferredError } from '../common/error-transfer.ts';
import type { MetricSample } from '../observability/metrics-registry.ts';
import type { RestoreEvent, RestoreListener } from './restore-listener.ts';

// What a `WorkerPool` and its `WorkerHost`s say to each other. The order of a worker's life:
//
//     pool    …              stop       leaveGroup        close
//     worker  opened … running …  ended           left          closed

/** How a worker is started: everything in it crosses as data. */
export interface WorkerStart {
  /** URL of the topology module. */
  readonly module: string;
  /** The options of the application that can cross; the module exports the others. */
  readonly options: Readonly<Record<string, unknown>>;
  /** From 1, as Kafka Streams counts threads. */
  readonly index: number;
  readonly threads: number;
  /** How the worker died whose place this one is to take: it asks the module's uncaught-exception handler first. */
  readonly predecessor: TransferredError | null;
  /** Of the state folder, which the main thread has locked. */
  readonly processId: string;
}

export type ToWorker =
  | { readonly kind: 'stop' }
  | { readonly kind: 'leaveGroup' }
  | { readonly kind: 'close' }
  /** The folder of this task is the worker's now. */
  | { readonly kind: 'granted'; readonly taskId: string };

export type FromWorker =
  /** Connected, global stores complete. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'running'; readonly running: boolean }
  /** After `stop`, or because of the error; the worker waits for `close`. */
  | { readonly kind: 'ended'; readonly error: TransferredError | null }
  | { readonly kind: 'left'; readonly error: TransferredError | null }
  | { readonly kind: 'closed' }
  | { readonly kind: 'acquire'; readonly taskId: string }
  | { readonly kind: 'release'; readonly taskId: string }
  | { readonly kind: 'metrics'; readonly samples: readonly MetricSample[] }
  | {
      readonly kind: 'restore';
      readonly step: keyof RestoreListener;
      readonly event: RestoreEvent;
    }
  | { readonly kind: 'log'; readonly line: LogLine };

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  /** The field `err`. */
  readonly error: TransferredError | null;
  readonly message: string;
}

/** One worker thread, as its starter sees it. */
export interface WorkerHandle {
  send(message: ToWorker): void;
  /** Ends it at once, whatever it does. Resolves when it is gone. */
  terminate(): Promise<void>;
}

export interface WorkerEvents {
  message(message: FromWorker): void;
  /** It is gone, and nothing comes from it any more; the error says how it ended. */
  exit(error: Error): void;
}

/** Starts worker threads; `adapters/node` does it with `node:worker_threads`. */
export type SpawnWorker = (start: WorkerStart, events: WorkerEvents) => WorkerHandle;

/** The starter, as a worker sees it. */
export interface WorkerPort {
  send(message: FromWorker): void;
  /** Set once, before anything comes. */
  onMessage(handle: (message: ToWorker) => void): void;
}
