import type { StreamsError } from '../common/errors.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { RestoreListener } from './restore-listener.ts';
import type { UncaughtExceptionResponse } from './streams-config.ts';

/** What runs between `start()` and `close()` of an application, in this thread or in workers. */
export interface RunningInstance {
  /** Resolves after `stop`, with everything committed; rejects with what made a thread fail. */
  run(): Promise<void>;
  stop(): void;
  /** After `run`. The group hands the tasks on at once where the member leaves it. */
  leaveGroup(): Promise<void>;
  /** Makes whatever still waits for a broker fail; `run` then ends. */
  close(): Promise<void>;
  /** The stores of this name whose tasks run here; null while some of them do not yet. */
  stores(name: string): readonly ManagedStore[] | null;
}

/** Whom a running instance tells what happens. */
export interface InstanceHooks {
  readonly restoreListener: Required<RestoreListener>;
  readonly onRunning: (running: boolean) => void;
  readonly onUncaught: (error: StreamsError) => UncaughtExceptionResponse;
}
