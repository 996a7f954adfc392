import { StreamsError } from '../common/errors.ts';
import { TaskId } from '../common/task-id.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import { resolvePartitionCounts, taskCount } from '../runtime/assignment/partition-counts.ts';
import { StreamTask, type SourcePosition, type StreamTaskOptions } from '../runtime/stream-task.ts';
import { TopicNames } from '../runtime/task-topology.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { ChangelogPosition, TaskStorage } from '../state/task-storage.ts';
import { matchingTopics, resolvePatterns } from '../topology/resolve-patterns.ts';
import type { Subtopology, TopologyPlan } from '../topology/topology-plan.ts';
import { memoryChunk, type MemoryRecord } from './memory-records.ts';
import type { MemoryTopics } from './memory-topics.ts';
import { mergeSubtopologies } from './merge-plan.ts';
import type { TopicLayout } from './topic-layout.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What the tasks of a driver share. */
export type SharedTaskOptions = Omit<
  StreamTaskOptions,
  | 'id'
  | 'subtopology'
  | 'repartitionTopics'
  | 'sourcePartitions'
  | 'storage'
  | 'sink'
  | 'lag'
  | 'clock'
>;

export interface DriverTasksOptions {
  readonly plan: TopologyPlan;
  readonly shared: SharedTaskOptions;
  readonly clock: VirtualClock;
  readonly topics: MemoryTopics;
  readonly layout: TopicLayout;
  /** True: one task runs all sub-topologies, over topics of one partition. */
  readonly isMerged: boolean;
  readonly openStorage: (taskId: string) => Promise<TaskStorage>;
}

interface DriverTask {
  readonly task: StreamTask;
  readonly storage: TaskStorage;
}

/** Records of a partition that its task has, or had before it was opened anew. */
interface InputLog {
  readonly records: MemoryRecord[];
  committed: { readonly offset: number; readonly metadata: string };
}

/**
 * The tasks of a test driver, in the order of their ids; who is ready first works first, so what is upstream is through
 * before what is downstream.
 *
 * Where a pattern comes to match another topic, the tasks are closed and opened anew on their storages, from their
 * committed offsets, as a rebalance does it.
 */
export class DriverTasks {
  readonly #options: DriverTasksOptions;
  readonly #names: TopicNames;
  readonly #storages = new Map<string, TaskStorage>();
  readonly #inputs = new Map<string, InputLog>();
  readonly #patternTopics: string[] = [];
  #tasks: readonly DriverTask[] = [];
  #owners: ReadonlyMap<string, StreamTask> = new Map();
  #sourceTopics: ReadonlySet<string> = new Set();
  #isStale = false;

  private constructor(options: DriverTasksOptions) {
    const { plan, shared } = options;
    this.#options = options;
    this.#names = new TopicNames(
      shared.config.applicationId,
      new Set(plan.repartitionTopics.map(({ name }) => name)),
    );
  }

  /** Errors: `STREAMS_TOPOLOGY` for partition counts that do not fit; those of the processors' constructors. */
  static async open(options: DriverTasksOptions): Promise<DriverTasks> {
    const tasks = new DriverTasks(options);
    await tasks.#open();
    return tasks;
  }

  get sourceTopics(): ReadonlySet<string> {
    return this.#sourceTopics;
  }

  /** Whether the topology reads this topic, perhaps by a pattern; one that it had not met is read from now on. */
  reads(topic: string): boolean {
    if (this.#sourceTopics.has(topic) || this.#patternTopics.includes(topic)) return true;
    if (matchingTopics(this.#options.plan, [topic]).length === 0) return false;
    this.#patternTopics.push(topic);
    this.#isStale = true;
    return true;
  }

  /** Opens the tasks anew where they do not read a topic yet that `reads` has met. */
  async refresh(): Promise<void> {
    if (!this.#isStale) return;
    this.#isStale = false;
    await this.commit();
    for (const { task } of this.#tasks) await task.close();
    await this.#open();
  }

  add(topic: string, partition: number, record: MemoryRecord): void {
    this.#inputOf(topic, partition).records.push(record);
    const owner = this.#owners.get(partitionKey(topic, partition));
    owner?.addChunk(memoryChunk(topic, partition, [record]));
  }

  /** Processes one record of the first task that is ready; false where none is. */
  async processOne(): Promise<boolean> {
    const { clock } = this.#options;
    const ready = this.#tasks.find(({ task }) => task.isReady(clock.nowMs()));
    if (ready === undefined) return false;
    ready.task.process(1, Infinity);
    await ready.task.pending;
    return true;
  }

  /** Runs what is due, of every task. */
  async punctuate(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    for (const { task } of this.#tasks) {
      while (task.punctuate(nowMs)) await task.pending;
    }
  }

  async commit(): Promise<void> {
    for (const opened of this.#tasks) if (opened.task.commitNeeded) await this.#commit(opened);
  }

  /** Of one partition, or where it is null of the only one that has such a store; undefined where none has. */
  store(name: string, partition: number | null): ManagedStore | undefined {
    const having = this.#tasks.filter(({ task }) => task.stores.has(name));
    const found =
      partition === null ? having : having.filter(({ task }) => task.id.partition === partition);
    const [first, second] = found;
    if (second !== undefined) {
      throw new StreamsError(
        'STREAMS_STORE_UNKNOWN',
        `each of ${found.length} tasks has this store: say of which partition, { partition: 0 }`,
        { site: { store: name } },
      );
    }
    return first?.task.stores.get(name);
  }

  get storeNames(): ReadonlySet<string> {
    return new Set(this.#tasks.flatMap(({ task }) => [...task.stores.keys()]));
  }

  discard(): void {
    for (const { task } of this.#tasks) task.discard();
  }

  /** Closes every task and storage, and only then throws what the first processor threw. */
  async close(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#tasks.map(({ task }) => task.close()));
    for (const storage of this.#storages.values()) await storage.close();
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #open(): Promise<void> {
    const { plan, layout, isMerged } = this.#options;
    const resolved = resolvePatterns(plan, this.#patternTopics);
    const counts = this.#countPartitions(resolved);
    const merged = isMerged ? mergeSubtopologies(resolved) : null;
    const subtopologies = isMerged ? (merged === null ? [] : [merged]) : resolved.subtopologies;
    const opened: DriverTask[] = [];
    const owners = new Map<string, StreamTask>();
    for (const subtopology of subtopologies) {
      // A merged task is there even while all it reads is a pattern that has matched nothing: it has the stores.
      const taskNumbers = isMerged ? 1 : taskCount(subtopology, counts);
      for (let number = 0; number < taskNumbers; number++) {
        const partitions = subtopology.sourceTopics
          .map((planned) => ({ topic: this.#names.resolve(planned), partition: number }))
          .filter(({ topic }) => number < layout.count(topic));
        const one = await this.#openTask(subtopology, partitions, number);
        opened.push(one);
        for (const { topic, partition } of partitions) {
          owners.set(partitionKey(topic, partition), one.task);
        }
      }
    }
    this.#tasks = opened;
    this.#owners = owners;
    this.#sourceTopics = new Set(
      opened.flatMap(({ task }) => task.sourcePartitions.map(({ topic }) => topic)),
    );
    this.#replay();
  }

  #countPartitions(plan: TopologyPlan): ReadonlyMap<string, number> {
    const { layout, isMerged } = this.#options;
    const repartitions = new Set(plan.repartitionTopics.map(({ name }) => name));
    const topics = plan.subtopologies.flatMap(({ sourceTopics }) => sourceTopics);
    if (isMerged) return new Map(topics.map((topic) => [topic, 1]));
    const users = topics.filter((topic) => !repartitions.has(topic));
    const counts = resolvePartitionCounts(
      plan,
      new Map(users.map((topic) => [topic, layout.count(topic)])),
    );
    for (const name of repartitions) {
      layout.setInternal(this.#names.resolve(name), counts.get(name) ?? 1);
    }
    return counts;
  }

  async #openTask(
    subtopology: Subtopology,
    sourcePartitions: readonly TopicPartition[],
    number: number,
  ): Promise<DriverTask> {
    const { plan, shared, clock, topics, openStorage } = this.#options;
    const taskId = new TaskId(subtopology.id, number);
    const id = taskId.toString();
    const storage = this.#storages.get(id) ?? (await openStorage(id));
    this.#storages.set(id, storage);
    const task = StreamTask.open({
      ...shared,
      id: taskId,
      subtopology,
      repartitionTopics: new Set(plan.repartitionTopics.map(({ name }) => name)),
      sourcePartitions,
      storage,
      sink: topics,
      clock,
      lag: () => 0,
    });
    await task.start(
      sourcePartitions.map(({ topic, partition }): SourcePosition => ({
        topic,
        partition,
        ...this.#inputOf(topic, partition).committed,
      })),
    );
    return { task, storage };
  }

  /** What the tasks of before had not processed. */
  #replay(): void {
    for (const { task } of this.#tasks) {
      for (const { topic, partition } of task.sourcePartitions) {
        const { records, committed } = this.#inputOf(topic, partition);
        const left = records.filter(({ offset }) => offset >= committed.offset);
        if (left.length > 0) task.addChunk(memoryChunk(topic, partition, left));
      }
    }
  }

  async #commit({ task, storage }: DriverTask): Promise<void> {
    const { topics, clock } = this.#options;
    task.prepareCommit();
    while (task.pending !== null) {
      await task.pending;
      task.prepareCommit();
    }
    for (const { topic, partition, offset, metadata } of task.committableOffsets()) {
      const input = this.#inputOf(topic, partition);
      input.committed = { offset, metadata };
      const processed = input.records.findIndex((record) => record.offset >= offset);
      input.records.splice(0, processed === -1 ? input.records.length : processed);
    }
    const positions = new Map<string, ChangelogPosition>();
    for (const { topic, partition } of task.changelogs) {
      const offset = topics.endOffset(topic, partition);
      if (offset > 0) positions.set(topic, { topicId: topic, offset, wallTimeMs: clock.nowMs() });
    }
    await storage.write(task.seal(positions));
    for (const range of task.postCommit()) await storage.clear(range);
  }

  #inputOf(topic: string, partition: number): InputLog {
    const key = partitionKey(topic, partition);
    let input = this.#inputs.get(key);
    if (input === undefined) {
      input = { records: [], committed: { offset: 0, metadata: '' } };
      this.#inputs.set(key, input);
    }
    return input;
  }
}
