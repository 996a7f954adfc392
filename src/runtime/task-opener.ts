import type { Admin } from '../client/admin.ts';
import type { Clock } from '../common/clock.ts';
import { invariant } from '../common/errors.ts';
import type { TaskId } from '../common/task-id.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { ChangelogPosition } from '../state/task-storage.ts';
import type { OffsetReset, Subtopology } from '../topology/topology-plan.ts';
import {
  readChangelogFacts,
  refuseTruncatedChangelog,
  resumePoint,
  type ChangelogFacts,
  type ResumePoint,
} from './changelog-positions.ts';
import type { ChangelogReader, StoreToRestore } from './changelog-reader.ts';
import type { OpenTask } from './committer.ts';
import { decodeOffsetMetadata, UNKNOWN_TIME_MS } from './offset-metadata.ts';
import { resolveStartOffsets, type CommittedOffsets, type StartOffset } from './start-offsets.ts';
import type { StreamTask } from './stream-task.ts';
import type { TaskCreator } from './task-creator.ts';
import type { TaskStorages } from './task-storages.ts';

/** A task this instance was given. */
export interface AssignedTask {
  readonly id: TaskId;
  readonly subtopology: Subtopology;
  /** Its input partitions, by the names the broker knows. */
  readonly partitions: readonly TopicPartition[];
}

/** A task that may run. */
export interface RunningTask extends OpenTask {
  readonly task: StreamTask;
  readonly assigned: AssignedTask;
  readonly start: readonly StartOffset[];
}

export interface TaskOpenerOptions {
  readonly admin: Admin;
  /** Step A3: stable offsets, waited for as long as somebody's open transaction may take. */
  readonly fetchCommitted: (
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ) => Promise<CommittedOffsets>;
  readonly resetPolicy: (topic: string) => OffsetReset;
  readonly storages: TaskStorages;
  readonly creator: TaskCreator;
  readonly reader: ChangelogReader;
  readonly allowTruncatedChangelog: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A logged store of a task, and its changelog partition. */
interface LoggedStore {
  readonly assigned: AssignedTask;
  readonly builder: StoreBuilder;
  readonly topic: string;
}

/**
 * Brings tasks from "assigned" to "may run": steps A3 to A7 of docs/adr/0005-commit-protocol.md.
 *
 * The tasks whose stores are complete on disk are handed over first; the others when all of them are restored. Nothing
 * of it depends on how the last run of the tasks ended: what is on disk is committed and says how far it goes.
 */
export class TaskOpener {
  readonly #options: TaskOpenerOptions;

  constructor(options: TaskOpenerOptions) {
    this.#options = options;
  }

  /** Calls `onOpened` once or twice; rejects with the signal's reason when that aborts. */
  async open(
    tasks: readonly AssignedTask[],
    signal: AbortSignal,
    onOpened: (tasks: readonly RunningTask[]) => void,
  ): Promise<void> {
    const { fetchCommitted, storages } = this.#options;
    const inputs = tasks.flatMap(({ partitions }) => partitions);
    const [committed] = await Promise.all([
      fetchCommitted(inputs, signal), // A3
      storages.open(tasks), // needs no broker: in the meantime
    ]);
    signal.throwIfAborted();

    const stores = tasks.flatMap((task) => this.#loggedStores(task));
    const [starts, facts] = await Promise.all([
      this.#startOffsets(inputs, committed),
      this.#changelogFacts(stores), // A4
    ]);
    signal.throwIfAborted();

    const behind = await this.#storesBehind(stores, facts, committed); // A5
    signal.throwIfAborted();
    const open = async (group: readonly AssignedTask[]): Promise<void> => {
      if (group.length === 0) return;
      const running = await this.#createTasks(group, starts, facts);
      if (signal.aborted) await closeTasks(running);
      signal.throwIfAborted();
      onOpened(running);
    };
    const restoring = new Set(behind.map(({ taskId }) => taskId.toString()));
    await open(tasks.filter(({ id }) => !restoring.has(id.toString())));
    await this.#restore(behind, signal); // A6
    await open(tasks.filter(({ id }) => restoring.has(id.toString()))); // A7
  }

  #loggedStores(assigned: AssignedTask): LoggedStore[] {
    return assigned.subtopology.stores
      .filter(({ changelog }) => changelog !== null)
      .map((builder) => ({
        assigned,
        builder,
        topic: this.#options.creator.changelogTopic(builder),
      }));
  }

  async #startOffsets(
    inputs: readonly TopicPartition[],
    committed: CommittedOffsets,
  ): Promise<ReadonlyMap<string, StartOffset>> {
    const { admin, resetPolicy } = this.#options;
    const starts = await resolveStartOffsets(inputs, committed, resetPolicy, admin);
    return new Map(starts.map((start) => [partitionKey(start.topic, start.partition), start]));
  }

  #changelogFacts(stores: readonly LoggedStore[]): Promise<ReadonlyMap<string, ChangelogFacts>> {
    const { admin } = this.#options;
    const partitions = stores.map(({ topic, assigned }) => ({
      topic,
      partition: assigned.id.partition,
    }));
    return readChangelogFacts(admin, partitions);
  }

  /** The stores that have something to replay; wipes a task one of whose positions cannot be trusted. */
  async #storesBehind(
    stores: readonly LoggedStore[],
    facts: ReadonlyMap<string, ChangelogFacts>,
    committed: CommittedOffsets,
  ): Promise<StoreToRestore[]> {
    const { storages, creator, clock, allowTruncatedChangelog } = this.#options;
    const nowMs = clock.nowMs();
    const resume = (store: LoggedStore): ResumePoint =>
      resumePoint(this.#position(store), factsOf(facts, store), nowMs);

    const broken = stores.filter((store) => resume(store).problem !== null);
    if (!allowTruncatedChangelog) {
      const wiped = new Set(broken.map(({ assigned }) => assigned));
      for (const store of stores) {
        if (!wiped.has(store.assigned) && this.#position(store) !== undefined) continue;
        const streamTimeMs = committedStreamTimeMs(store.assigned, committed);
        refuseTruncatedChangelog(store.builder, factsOf(facts, store), { streamTimeMs, nowMs });
      }
    }
    for (const store of broken) {
      const { problem } = resume(store); // null once a sibling has had the task wiped
      if (problem !== null) await storages.wipe(store.assigned, problem);
    }

    return stores.flatMap((logged) => {
      const { assigned, builder } = logged;
      const changelog = factsOf(facts, logged);
      const { offset } = resume(logged);
      if (offset >= changelog.end) return [];
      const storage = storages.of(assigned);
      const store = creator.openToRestore(builder, assigned.id, storage);
      return [{ taskId: assigned.id, store, storage, facts: changelog, from: offset }];
    });
  }

  #position({ assigned, topic }: LoggedStore): ChangelogPosition | undefined {
    return this.#options.storages.of(assigned).position(topic);
  }

  async #restore(behind: readonly StoreToRestore[], signal: AbortSignal): Promise<void> {
    try {
      await this.#options.reader.restore(behind, signal);
    } finally {
      for (const { store } of behind) store.close();
    }
  }

  async #createTasks(
    group: readonly AssignedTask[],
    starts: ReadonlyMap<string, StartOffset>,
    facts: ReadonlyMap<string, ChangelogFacts>,
  ): Promise<readonly RunningTask[]> {
    const { creator, storages } = this.#options;
    const running: RunningTask[] = [];
    try {
      for (const assigned of group) {
        const start = assigned.partitions.flatMap(({ topic, partition }) => {
          const found = starts.get(partitionKey(topic, partition));
          return found === undefined ? [] : [found];
        });
        const storage = storages.of(assigned);
        const task = await creator.createTask(assigned, storage, start);
        const changelogs = this.#loggedStores(assigned).map((store) => {
          const { topic, partition, topicId, end } = factsOf(facts, store);
          return { topic, partition, topicId, end };
        });
        running.push({ task, assigned, storage, changelogs, start });
      }
      return running;
    } catch (error) {
      await closeTasks(running);
      throw error;
    }
  }
}

async function closeTasks(tasks: readonly RunningTask[]): Promise<void> {
  for (const { task } of tasks) await task.close();
}

function factsOf(
  facts: ReadonlyMap<string, ChangelogFacts>,
  { assigned, topic }: LoggedStore,
): ChangelogFacts {
  const found = facts.get(partitionKey(topic, assigned.id.partition));
  invariant(found !== undefined, 'a changelog was not looked at', { topic });
  return found;
}

/** As far as the inputs of the task had come when their offsets were committed last. */
function committedStreamTimeMs({ partitions }: AssignedTask, committed: CommittedOffsets): number {
  const times = partitions.map(({ topic, partition }) => {
    const metadata = committed.get(partitionKey(topic, partition))?.metadata ?? '';
    return decodeOffsetMetadata(metadata)?.partitionTimeMs ?? UNKNOWN_TIME_MS;
  });
  return Math.max(UNKNOWN_TIME_MS, ...times);
}
