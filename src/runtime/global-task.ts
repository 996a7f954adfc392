import { StreamsError } from '../common/errors.ts';
import { TaskId } from '../common/task-id.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { ChangelogPosition } from '../state/task-storage.ts';
import type { GlobalStore } from '../topology/topology-plan.ts';
import type { RecordChunk } from './record-chunk.ts';
import type { RecordSink } from './record-sink.ts';
import { StreamTask, type StreamTaskOptions } from './stream-task.ts';

export type GlobalTaskOptions = Omit<
  StreamTaskOptions,
  'id' | 'subtopology' | 'repartitionTopics' | 'sourcePartitions' | 'sink' | 'globalStores' | 'lag'
> & {
  readonly globalStores: readonly GlobalStore[];
  /** All partitions of all global topics. */
  readonly partitions: readonly TopicPartition[];
};

/** What Kafka Streams calls the task that every instance has. */
const GLOBAL_TASK = new TaskId(-1, -1);

/** A global processor writes its store and nothing else. */
const NO_SINK: RecordSink = {
  partitionCount: () => undefined,
  prepareTopics: ([topic]) =>
    Promise.reject(
      new StreamsError(
        'STREAMS_CONFIG',
        'a global topic has no transaction to write dead letters in: answer continue or fail for its records',
        { site: topic === undefined ? {} : { topic } },
      ),
    ),
  append: (topic) => {
    throw new StreamsError('STREAMS_INVARIANT', 'a global store has written a record', {
      site: { topic },
    });
  },
  mark: () => null,
  rollback: () => undefined,
  release: () => undefined,
};

/**
 * The global stores of an instance: all partitions of their topics, put through their processors in order.
 *
 * There is no changelog, since the topics are it, and no group. The positions lie beside the rows, under `topic-partition`,
 * and move with them, so a restart goes on where `checkpoint` was last. The order between partitions is that of arrival:
 * a global table is not synchronized by time. Source: `GlobalStateUpdateTask`, `GlobalStateManagerImpl`.
 *
 * Errors: as `StreamTask`.
 */
export class GlobalTask {
  readonly #task: StreamTask;
  readonly #options: GlobalTaskOptions;

  private constructor(options: GlobalTaskOptions, task: StreamTask) {
    this.#options = options;
    this.#task = task;
  }

  /** Opens the stores and makes the processors. */
  static async open(options: GlobalTaskOptions): Promise<GlobalTask> {
    const { globalStores, partitions, config } = options;
    const task = StreamTask.open({
      ...options,
      id: GLOBAL_TASK,
      subtopology: {
        id: GLOBAL_TASK.subtopology,
        nodes: globalStores.flatMap(({ source, processor }) => [source, processor]),
        stores: globalStores.map(({ store }) => store),
        sourceTopics: globalStores.flatMap(({ source }) => source.topics),
        sinkTopics: [],
        copartitionGroups: [],
      },
      repartitionTopics: new Set(),
      sourcePartitions: partitions,
      sink: NO_SINK,
      globalStores: new Map(),
      config: { ...config, maxTaskIdleMs: -1 },
      lag: () => 0,
    });
    const opened = new GlobalTask(options, task);
    await task.start(
      partitions.map(({ topic, partition }) => ({
        topic,
        partition,
        offset: opened.position(topic, partition)?.offset ?? null,
        metadata: '',
      })),
    );
    return opened;
  }

  get stores(): ReadonlyMap<string, ManagedStore> {
    return this.#task.stores;
  }

  /** Where a partition is to be read from; undefined for its beginning. */
  position(topic: string, partition: number): ChangelogPosition | undefined {
    const fed = this.#options.globalStores.filter(({ source }) => source.topics.includes(topic));
    const isKept = fed.every(({ store }) => store.persistent);
    return isKept ? this.#options.storage.position(partitionKey(topic, partition)) : undefined;
  }

  addChunk(chunk: RecordChunk): void {
    this.#task.addChunk(chunk);
  }

  bufferedRecords(topic: string, partition: number): number {
    return this.#task.bufferedRecords(topic, partition);
  }

  get pending(): Promise<void> | null {
    return this.#task.pending;
  }

  get uncommittedBytes(): number {
    return this.#task.uncommittedBytes;
  }

  /** As `StreamTask.process`; what was written is visible at once. */
  process(maxRecords: number, deadlineMs: number): number {
    return this.#task.process(maxRecords, deadlineMs);
  }

  /** Brings rows and positions to the storage. `topicIds`: by topic, lower-case hex. Not while `pending`. */
  async checkpoint(topicIds: ReadonlyMap<string, string>): Promise<void> {
    const { storage, clock } = this.#options;
    this.#task.prepareCommit();
    const positions = new Map<string, ChangelogPosition>();
    for (const { topic, partition, offset } of this.#task.committableOffsets()) {
      const topicId = topicIds.get(topic) ?? '';
      positions.set(partitionKey(topic, partition), { topicId, offset, wallTimeMs: clock.nowMs() });
    }
    await storage.write(this.#task.seal(positions));
    for (const range of this.#task.postCommit()) await storage.clear(range);
  }

  close(): Promise<void> {
    return this.#task.close();
  }
}
