import type { Admin } from '../client/admin.ts';
import type { StreamsError } from '../common/errors.ts';
import type { TaskId } from '../common/task-id.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { AssignorEnvironment } from './assignment/streams-partition-assignor.ts';
import { isGlobalTaskId } from './global-stream-thread.ts';
import type { InternalTopicManager, RequiredTopic } from './internal-topic-manager.ts';
import type { CommittedOffsets } from './start-offsets.ts';
import type { TaskManager } from './task-manager.ts';
import type { TaskRegistry } from './task-registry.ts';

export interface InstanceEnvironmentOptions {
  readonly admin: Admin;
  readonly fetchCommitted: (partitions: readonly TopicPartition[]) => Promise<CommittedOffsets>;
  readonly internalTopics: InternalTopicManager;
  readonly folder: StateDirectory;
  readonly registry: TaskRegistry;
  readonly tasks: TaskManager;
}

/** What the assignor wants to know of the cluster and of this instance. */
export class InstanceEnvironment implements AssignorEnvironment {
  readonly #options: InstanceEnvironmentOptions;
  #shutdown: StreamsError | null = null;

  constructor(options: InstanceEnvironmentOptions) {
    this.#options = options;
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = await this.#options.admin.describeTopics(topics);
    const counts = new Map<string, number>();
    for (const [topic, info] of found)
      if (info !== undefined) counts.set(topic, info.partitionCount);
    return counts;
  }

  async hasCommitted(partitions: readonly TopicPartition[]): Promise<boolean> {
    const committed = await this.#options.fetchCommitted(partitions);
    // A streams application always commits its stream time as metadata; Kafka's reset tool commits none, and with it
    // the application starts for the first time again.
    return [...committed.values()].some((offset) => offset !== null && offset.metadata !== '');
  }

  makeReady(topics: readonly RequiredTopic[]): Promise<void> {
    return this.#options.internalTopics.makeReady(topics);
  }

  ownedTasks(): readonly TaskId[] {
    return this.#options.tasks.assigned.map(({ id }) => id);
  }

  /** A task with state on disk that is not open counts as having some: how much, only its database knows. */
  async storedTasks(): Promise<ReadonlyMap<string, number>> {
    const { folder, registry } = this.#options;
    const tasks = (await folder.list()).filter((taskId) => !isGlobalTaskId(taskId));
    const stored = new Map(tasks.map((taskId) => [taskId, 0]));
    for (const { assigned, task, storage } of registry.live) {
      const taskId = assigned.id.toString();
      if (!stored.has(taskId)) continue;
      const positions = task.changelogs.map(({ topic }) => storage.position(topic)?.offset ?? 0);
      stored.set(
        taskId,
        positions.reduce((sum, offset) => sum + offset, 0),
      );
    }
    return stored;
  }

  shutdownRequest(): StreamsError | null {
    return this.#shutdown;
  }

  /** From now on every subscription asks all members to stop. */
  requestShutdown(error: StreamsError): void {
    this.#shutdown = error;
  }
}
