import { invariant } from '../common/errors.ts';

/**
 * Which worker has which task's folder. Whoever asks for one that is taken waits in line.
 *
 * `onGranted` is called for each `acquire`, at once or when the folder is given back.
 */
export class TaskFolders {
  readonly #onGranted: (worker: number, taskId: string) => void;
  /** By task: who has it, then who waits. */
  readonly #lines = new Map<string, number[]>();

  constructor(onGranted: (worker: number, taskId: string) => void) {
    this.#onGranted = onGranted;
  }

  acquire(worker: number, taskId: string): void {
    const line = this.#lines.get(taskId);
    if (line !== undefined) {
      line.push(worker);
      return;
    }
    this.#lines.set(taskId, [worker]);
    this.#onGranted(worker, taskId);
  }

  release(worker: number, taskId: string): void {
    const line = this.#lines.get(taskId);
    invariant(line?.[0] === worker, 'a folder is given back by the worker that has it', { taskId });
    line.shift();
    this.#advance(taskId, line);
  }

  /** It has died: it has nothing and waits for nothing. */
  releaseAll(worker: number): void {
    for (const [taskId, line] of this.#lines) {
      const wasFirst = line[0] === worker;
      const others = line.filter((waiting) => waiting !== worker);
      this.#lines.set(taskId, others);
      if (wasFirst || others.length === 0) this.#advance(taskId, others);
    }
  }

  #advance(taskId: string, line: readonly number[]): void {
    const next = line[0];
    if (next === undefined) this.#lines.delete(taskId);
    else this.#onGranted(next, taskId);
  }
}
