import { invariant } from '../common/errors.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { TaskStorage } from '../state/task-storage.ts';
import type { TaskId } from '../common/task-id.ts';
import type { Subtopology } from '../topology/topology-plan.ts';

/** What a task's storage is opened for. */
export interface StoredTask {
  readonly id: TaskId;
  readonly subtopology: Subtopology;
}

export interface TaskStoragesOptions {
  /** The state folder. */
  readonly folder: StateDirectory;
  /** For tasks none of whose stores is to outlive the process. */
  readonly memory: StateDirectory;
  readonly clusterId: string;
  readonly topologyFingerprint: string;
}

/**
 * The storages of the tasks that live here. One stays open from the first assignment of its task until the task is
 * somebody else's: a task that is built anew, after an error or a rebalance, finds its storage as it was.
 */
export class TaskStorages {
  readonly #options: TaskStoragesOptions;
  readonly #open = new Map<string, TaskStorage>();

  constructor(options: TaskStoragesOptions) {
    this.#options = options;
  }

  /** The tasks whose storages are open. */
  get ids(): readonly string[] {
    return [...this.#open.keys()];
  }

  of({ id }: StoredTask): TaskStorage {
    const storage = this.#open.get(id.toString());
    invariant(storage !== undefined, 'the storage is not open', { taskId: id.toString() });
    return storage;
  }

  /** Opens what is not open yet. */
  async open(tasks: readonly StoredTask[]): Promise<void> {
    // All tasks share the memory for databases equally.
    const taskIds = new Set([...this.#open.keys(), ...tasks.map(({ id }) => id.toString())]);
    await Promise.all(tasks.map((task) => this.#openOne(task, taskIds.size)));
  }

  /** Empties the storage of a task; the folder counts and logs each wipe with its reason (I14). */
  async wipe(task: StoredTask, reason: string): Promise<void> {
    const taskId = task.id.toString();
    this.#open.delete(taskId);
    await this.#directoryOf(task).wipe(taskId, reason);
    await this.open([task]);
  }

  async close(taskIds: readonly string[]): Promise<void> {
    await Promise.all(
      taskIds.map(async (id) => {
        const storage = this.#open.get(id);
        this.#open.delete(id);
        await storage?.close();
      }),
    );
  }

  async #openOne(task: StoredTask, taskCount: number): Promise<void> {
    const taskId = task.id.toString();
    if (this.#open.has(taskId)) return;
    const { clusterId, topologyFingerprint } = this.#options;
    const request = { taskId, clusterId, topologyFingerprint, tasks: taskCount };
    const { storage } = await this.#directoryOf(task).open(request);
    this.#open.set(taskId, storage);
  }

  #directoryOf({ subtopology }: StoredTask): StateDirectory {
    const { folder, memory } = this.#options;
    return subtopology.stores.some((store) => store.persistent) ? folder : memory;
  }
}
