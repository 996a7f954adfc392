import { MemoryTaskStorage } from './memory-task-storage.ts';
import type { OpenedTaskStorage, StateDirectory, TaskStorageRequest } from './state-directory.ts';

/** For the test driver, and for instances without a disk: what a task had is gone once it is closed. */
export class MemoryStateDirectory implements StateDirectory {
  readonly processId: string;
  readonly #tasks = new Set<string>();

  constructor(processId: string) {
    this.processId = processId;
  }

  open({ taskId }: TaskStorageRequest): Promise<OpenedTaskStorage> {
    this.#tasks.add(taskId);
    return Promise.resolve({ storage: new MemoryTaskStorage(), wiped: null });
  }

  wipe(taskId: string): Promise<void> {
    this.#tasks.delete(taskId);
    return Promise.resolve();
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#tasks]);
  }

  close(): Promise<void> {
    this.#tasks.clear();
    return Promise.resolve();
  }
}
