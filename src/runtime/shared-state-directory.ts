import type {
  OpenedTaskStorage,
  StateDirectory,
  TaskStorageRequest,
  Wipe,
} from '../state/state-directory.ts';

/** Gives a task's folder to one thread of the process at a time. */
export interface TaskGuard {
  /** Resolves when the folder is the caller's; rejects with the signal's reason, and then it is not. */
  acquire(taskId: string, signal?: AbortSignal): Promise<void>;
  release(taskId: string): void;
}

/**
 * The state folder of a process as one of its threads has it: a task that moves between two threads is opened, or even
 * looked at, only after the other has closed it.
 */
export class SharedStateDirectory implements StateDirectory {
  readonly #directory: StateDirectory;
  readonly #guard: TaskGuard;
  readonly #held = new Set<string>();

  constructor(directory: StateDirectory, guard: TaskGuard) {
    this.#directory = directory;
    this.#guard = guard;
  }

  get processId(): string {
    return this.#directory.processId;
  }

  async open(request: TaskStorageRequest): Promise<OpenedTaskStorage> {
    const { taskId, signal } = request;
    await this.#acquire(taskId, signal);
    try {
      const onClosed = (): void => {
        this.#release(taskId);
      };
      return await this.#directory.open({ ...request, onClosed });
    } catch (error) {
      this.#release(taskId);
      throw error;
    }
  }

  async wipe(taskId: string, wipe: Wipe): Promise<void> {
    if (!this.#held.has(taskId)) await this.#acquire(taskId);
    try {
      await this.#directory.wipe(taskId, wipe);
    } finally {
      this.#release(taskId);
    }
  }

  list(): Promise<readonly string[]> {
    return this.#directory.list();
  }

  close(): Promise<void> {
    return this.#directory.close();
  }

  async #acquire(taskId: string, signal?: AbortSignal): Promise<void> {
    await this.#guard.acquire(taskId, signal);
    this.#held.add(taskId);
  }

  #release(taskId: string): void {
    if (this.#held.delete(taskId)) this.#guard.release(taskId);
  }
}
