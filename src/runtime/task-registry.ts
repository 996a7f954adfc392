import { invariant } from '../common/errors.ts';
import type { TaskId } from '../common/task-id.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { StateDirectory, Wipe } from '../state/state-directory.ts';
import type { TaskStorage } from '../state/task-storage.ts';
import type { Subtopology } from '../topology/topology-plan.ts';
import { settleAll } from './settle-all.ts';
import type { StreamTask } from './stream-task.ts';

/** A task this instance was given. */
export interface AssignedTask {
  readonly id: TaskId;
  readonly subtopology: Subtopology;
  /** Its input partitions, by the names the broker knows. */
  readonly partitions: readonly TopicPartition[];
}

/** A task whose stores are open; whether it runs is another question. */
export interface LiveTask {
  readonly assigned: AssignedTask;
  readonly task: StreamTask;
  readonly storage: TaskStorage;
}

export interface TaskRegistryOptions {
  /** The state folder. */
  readonly folder: StateDirectory;
  /** For tasks none of whose stores is to outlive the process. */
  readonly memory: StateDirectory;
  readonly clusterId: string;
  readonly topologyFingerprint: string;
  /** Opens the stores of a task on its storage; starts nothing. */
  readonly openTask: (assigned: AssignedTask, storage: TaskStorage) => StreamTask;
  readonly logger: Logger;
}

/**
 * The tasks that live here with their storages. Both stay open from the first assignment of a task until it is
 * somebody else's: a task that starts over, after an error or a rebalance, finds its storage as it was.
 */
export class TaskRegistry {
  readonly #options: TaskRegistryOptions;
  readonly #live = new Map<string, LiveTask>();

  constructor(options: TaskRegistryOptions) {
    this.#options = options;
  }

  get ids(): readonly string[] {
    return [...this.#live.keys()];
  }

  get live(): readonly LiveTask[] {
    return [...this.#live.values()];
  }

  of({ id }: AssignedTask): LiveTask {
    const live = this.#live.get(id.toString());
    invariant(live !== undefined, 'the task is not open', { taskId: id.toString() });
    return live;
  }

  /**
   * Opens what is not open yet; nothing is half open when it settles. Errors: those of `StateDirectory.open` and of
   * `openTask`, and the signal's reason where it aborts while another thread has a folder.
   */
  async open(tasks: readonly AssignedTask[], signal?: AbortSignal): Promise<void> {
    const stale = tasks.filter((assigned) => {
      const live = this.#live.get(assigned.id.toString());
      return live !== undefined && !hasSamePartitions(live.assigned, assigned);
    });
    await this.close(stale.map(({ id }) => id.toString()));
    const missing = tasks.filter(({ id }) => !this.#live.has(id.toString()));
    // All tasks share the memory for databases equally.
    const taskCount = this.#live.size + missing.length;
    await settleAll(missing.map((assigned) => this.#openOne(assigned, taskCount, signal)));
  }

  /** Empties the storage of a task and opens it again; the folder counts and logs each wipe with its reason (I14). */
  async wipe(assigned: AssignedTask, wipe: Wipe): Promise<void> {
    const taskId = assigned.id.toString();
    await this.close([taskId]);
    await this.#directoryOf(assigned).wipe(taskId, wipe);
    await this.#openOne(assigned, this.#live.size + 1);
  }

  async close(taskIds: readonly string[]): Promise<void> {
    await settleAll(
      taskIds.map(async (taskId) => {
        const live = this.#live.get(taskId);
        this.#live.delete(taskId);
        if (live !== undefined) await this.#closeOne(live);
      }),
    );
  }

  async #openOne(assigned: AssignedTask, taskCount: number, signal?: AbortSignal): Promise<void> {
    const { clusterId, topologyFingerprint, openTask } = this.#options;
    const taskId = assigned.id.toString();
    const { storage } = await this.#directoryOf(assigned).open({
      taskId,
      clusterId,
      topologyFingerprint,
      tasks: taskCount,
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      const task = openTask(assigned, storage);
      this.#live.set(taskId, { assigned, task, storage });
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  async #closeOne({ task, storage, assigned }: LiveTask): Promise<void> {
    try {
      await task.close();
    } catch (error) {
      // A user's `close` may throw; the task is gone all the same.
      const taskId = assigned.id.toString();
      this.#options.logger.warn({ err: error, taskId }, 'a processor threw when it was closed');
    }
    await storage.close();
  }

  #directoryOf({ subtopology }: AssignedTask): StateDirectory {
    const { folder, memory } = this.#options;
    return subtopology.stores.some((store) => store.persistent) ? folder : memory;
  }
}

/** A source topic of a task may get partitions while it runs. */
export function hasSamePartitions(a: AssignedTask, b: AssignedTask): boolean {
  const keysOf = ({ partitions }: AssignedTask): string =>
    partitions
      .map(({ topic, partition }) => partitionKey(topic, partition))
      .sort()
      .join();
  return keysOf(a) === keysOf(b);
}
