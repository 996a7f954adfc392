import { parseDuration, type Duration } from '../common/duration.ts';
import { isStreamsError, StreamsError } from '../common/errors.ts';
import { TaskId } from '../common/task-id.ts';
import { MetricsRegistry } from '../observability/metrics-registry.ts';
import type { MetricTags } from '../observability/metrics.ts';
import { GlobalTask } from '../runtime/global-task.ts';
import { messageOf } from '../runtime/message-of.ts';
import { StreamTask } from '../runtime/stream-task.ts';
import {
  parseStreamsConfig,
  type StreamsConfig,
  type StreamsOptions,
} from '../runtime/streams-config.ts';
import { TopicNames } from '../runtime/task-topology.ts';
import type { Serdes } from '../serde/serde.ts';
import type { KeyValueStore } from '../state/key-value-store.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import { MemoryStateDirectory } from '../state/memory-state-directory.ts';
import { SharedObjectBudget } from '../state/shared-object-budget.ts';
import { SharedRecordCache } from '../state/shared-record-cache.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import { asKeyValueStore, asWindowStore } from '../state/store-views.ts';
import type { ChangelogPosition, TaskStorage } from '../state/task-storage.ts';
import type { WindowStore } from '../state/window-store.ts';
import { fingerprint } from '../topology/fingerprint.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { memoryChunk, MemoryRecordCursor, type MemoryRecord } from './memory-records.ts';
import { MemoryTopics } from './memory-topics.ts';
import { mergeSubtopologies } from './merge-plan.ts';
import { TestInputTopic } from './test-input-topic.ts';
import { TestOutputTopic } from './test-output-topic.ts';
import type { InputTopicOptions } from './test-record.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface TopologyTestDriverOptions {
  /**
   * As for `KafkaStreams`; nothing is required. Options of clients and brokers have no effect. `emitIntervalMs` is 0 if
   * left out, since the wall clock stands still.
   */
  readonly config?: Partial<StreamsOptions>;
  /**
   * What the wall clock shows at first; 0 if left out, so that a test does not depend on when it runs. (Kafka Streams':
   * now.)
   */
  readonly startWallClockMs?: number;
  /** False: only `commit` commits, so that the record cache withholds updates as it does in production. */
  readonly commitAfterEachRecord?: boolean;
  /** Where stores live; in memory if left out. The driver closes it. */
  readonly stateDirectory?: StateDirectory;
}

/** A topology, or anything with a plan. */
export interface Plannable {
  plan(): TopologyPlan;
}

interface DriverParts {
  readonly config: StreamsConfig;
  readonly plan: TopologyPlan;
  readonly clock: VirtualClock;
  readonly metrics: MetricsRegistry;
  readonly topics: MemoryTopics;
  readonly stateDirectory: StateDirectory;
  readonly commitsEachRecord: boolean;
  readonly task: StreamTask | null;
  readonly storage: TaskStorage | null;
  readonly globalTask: GlobalTask | null;
  readonly globalStorage: TaskStorage | null;
}

/** Every topic of the driver has one partition. */
const PARTITION = 0;

/**
 * Runs a topology without a broker: the tasks, stores, caches and handlers of the runtime, over topics of one partition in
 * memory.
 *
 *     await using driver = await TopologyTestDriver.create(builder.build());
 *     const input = driver.createInputTopic('clicks', { key: serdes.string, value: serdes.string });
 *     const output = driver.createOutputTopic('counts', { key: serdes.string, value: serdes.long });
 *     await input.pipe({ key: 'ann', value: '/' });
 *     expect(output.readKeyValues()).toEqual([['ann', 1]]);
 *
 * `pipe` processes the record and everything that it leads to: repartition topics, and topics that the topology writes and
 * reads. After each processed record stream-time punctuators run and the task commits, so caches hold nothing back for
 * longer than one record. The wall clock moves only by `advanceWallClock`.
 *
 * An error rejects the call that led to it, with nothing of the failing record done, and stops the driver: later calls
 * reject with the same error. What was written before can still be read.
 *
 * Source: `org.apache.kafka.streams.TopologyTestDriver` (parity X1-X14).
 */
export class TopologyTestDriver implements AsyncDisposable {
  readonly #parts: DriverParts;
  readonly #unread = new Map<string, MemoryRecord[]>();
  readonly #produced = new Set<string>();
  readonly #sourceTopics: ReadonlySet<string>;
  readonly #globalTopics: ReadonlySet<string>;
  #failure: StreamsError | null = null;
  #isClosed = false;
  /** Calls run one after the other, whether they are awaited or not. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(parts: DriverParts) {
    this.#parts = parts;
    const { plan, task } = parts;
    this.#sourceTopics = new Set(task?.sourcePartitions.map(({ topic }) => topic));
    this.#globalTopics = new Set(plan.globalStores.flatMap(({ source }) => source.topics));
  }

  /** Errors: `STREAMS_CONFIG` of the config, `STREAMS_TOPOLOGY` of the topology; those of the processors' constructors. */
  static async create(
    topology: Plannable,
    options: TopologyTestDriverOptions = {},
  ): Promise<TopologyTestDriver> {
    return new TopologyTestDriver(await openParts(topology.plan(), options));
  }

  createInputTopic<K, V>(
    topic: string,
    serdes: Serdes<K, V>,
    options: InputTopicOptions = {},
  ): TestInputTopic<K, V> {
    if (!this.#sourceTopics.has(topic) && !this.#globalTopics.has(topic)) {
      const known = [...this.#sourceTopics, ...this.#globalTopics].join(', ');
      throw new StreamsError(
        'STREAMS_TOPIC_MISSING',
        `the topology does not read this topic; it reads: ${known}`,
        { site: { topic } },
      );
    }
    const { clock } = this.#parts;
    return new TestInputTopic(topic, serdes, options, {
      wallClockMs: () => clock.nowMs(),
      pipe: (record) => this.#inTurn(() => this.#pipe(topic, record)),
    });
  }

  /** Of any topic that is written, internal ones included. */
  createOutputTopic<K, V>(topic: string, serdes: Serdes<K, V>): TestOutputTopic<K, V> {
    return new TestOutputTopic(topic, serdes, this.#unreadOf(topic));
  }

  /** Moves the wall clock and runs what that makes due: punctuators, and records that waited for other partitions. */
  advanceWallClock(duration: Duration): Promise<void> {
    const ms = parseDuration(duration, 'duration');
    return this.#inTurn(async () => {
      this.#parts.clock.advance(ms);
      await this.#punctuate();
      await this.#commit();
      await this.#processAll();
    });
  }

  /** Empties the caches and commits; needed only without `commitAfterEachRecord`. */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#commit();
      await this.#processAll();
    });
  }

  get wallClockMs(): number {
    return this.#parts.clock.nowMs();
  }

  /** Topics that were written, changelogs and repartition topics included. */
  get producedTopicNames(): ReadonlySet<string> {
    return this.#produced;
  }

  /** A store of the topology, global ones included, as its processors see it: with what is not committed. */
  keyValueStore<K, V>(name: string): KeyValueStore<K, V> {
    return asKeyValueStore<K, V>(this.#store(name));
  }

  windowStore<K, V>(name: string): WindowStore<K, V> {
    return asWindowStore<K, V>(this.#store(name));
  }

  /** The sum of a counter over all series that carry these tags: `counter('dropped-records-total', { reason: 'late' })`. */
  counter(name: string, tags: MetricTags = {}): number {
    const wanted = Object.entries(tags);
    return this.#parts.metrics
      .snapshot()
      .filter((sample) => sample.name === name)
      .filter((sample) => wanted.every(([tag, value]) => sample.tags[tag] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Closes processors and stores. Rejects with what a processor's `close` throws. */
  close(): Promise<void> {
    const closed = this.#turn.then(async () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      const { task, storage, globalTask, globalStorage, stateDirectory } = this.#parts;
      try {
        await task?.close();
        await globalTask?.close();
      } finally {
        await storage?.close();
        await globalStorage?.close();
        await stateDirectory.close();
      }
    });
    this.#turn = closed.catch(() => undefined);
    return closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(async () => {
      if (this.#isClosed) throw new StreamsError('STREAMS_STOPPED', 'the driver is closed');
      if (this.#failure !== null) throw this.#failure;
      try {
        await work();
      } catch (error) {
        this.#failure = isStreamsError(error)
          ? error
          : new StreamsError('STREAMS_PROCESSING', messageOf(error), { cause: error });
        this.#parts.topics.takeProduced(); // the transaction that they were part of is aborted
        this.#parts.task?.discard();
        throw this.#failure;
      }
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #pipe(topic: string, piped: Omit<MemoryRecord, 'offset'>): Promise<void> {
    await this.#deliver(topic, this.#parts.topics.next(topic, piped));
    await this.#processAll();
  }

  async #deliver(topic: string, record: MemoryRecord): Promise<void> {
    if (this.#sourceTopics.has(topic)) {
      this.#parts.task?.addChunk(memoryChunk(topic, PARTITION, [record]));
    }
    if (this.#globalTopics.has(topic)) await this.#updateGlobal(topic, record);
  }

  async #updateGlobal(topic: string, record: MemoryRecord): Promise<void> {
    const { globalTask } = this.#parts;
    if (globalTask === null) return;
    globalTask.addChunk(memoryChunk(topic, PARTITION, [record]));
    globalTask.process(1, Infinity);
    await globalTask.pending;
    await globalTask.checkpoint(new Map());
  }

  /** In the order of Kafka Streams' driver: what a record leads to in topics comes behind what waits there already. */
  async #processAll(): Promise<void> {
    const { task, clock } = this.#parts;
    await this.#loopBack();
    while (task?.isReady(clock.nowMs()) === true) {
      task.process(1, Infinity);
      await task.pending;
      await this.#punctuate();
      if (this.#parts.commitsEachRecord) await this.#commit();
      await this.#loopBack();
    }
  }

  async #punctuate(): Promise<void> {
    const { task, clock } = this.#parts;
    while (task?.punctuate(clock.nowMs()) === true) await task.pending;
  }

  async #commit(): Promise<void> {
    const { task, storage, topics, clock } = this.#parts;
    if (task === null || storage === null) return;
    task.prepareCommit();
    while (task.pending !== null) {
      await task.pending;
      task.prepareCommit();
    }
    const positions = new Map<string, ChangelogPosition>();
    for (const { topic } of task.changelogs) {
      const offset = topics.endOffset(topic);
      if (offset > 0) positions.set(topic, { topicId: topic, offset, wallTimeMs: clock.nowMs() });
    }
    await storage.write(task.seal(positions));
    for (const range of task.postCommit()) await storage.clear(range);
  }

  /** Hands out what was written: to readers, and to the topology where it reads the topic itself. */
  async #loopBack(): Promise<void> {
    for (const { topic, record } of this.#parts.topics.takeProduced()) {
      this.#produced.add(topic);
      this.#unreadOf(topic).push(record);
      await this.#deliver(topic, record);
    }
  }

  #unreadOf(topic: string): MemoryRecord[] {
    const unread = this.#unread.get(topic) ?? [];
    this.#unread.set(topic, unread);
    return unread;
  }

  #store(name: string): ManagedStore {
    const { task, globalTask } = this.#parts;
    const store = task?.stores.get(name) ?? globalTask?.stores.get(name);
    if (store !== undefined) return store;
    const names = [...(task?.stores.keys() ?? []), ...(globalTask?.stores.keys() ?? [])];
    throw new StreamsError(
      'STREAMS_STORE_UNKNOWN',
      `the topology has no store '${name}'; it has: ${names.join(', ') || 'none'}`,
      { site: { store: name } },
    );
  }
}

async function openParts(
  plan: TopologyPlan,
  {
    config: options = {},
    startWallClockMs = 0,
    commitAfterEachRecord = true,
    stateDirectory = new MemoryStateDirectory('test'),
  }: TopologyTestDriverOptions,
): Promise<DriverParts> {
  const config = parseStreamsConfig({
    applicationId: 'test',
    brokers: ['test:9092'],
    emitIntervalMs: 0,
    ...options,
  });
  const clock = new VirtualClock(startWallClockMs);
  const metrics = new MetricsRegistry();
  const topics = new MemoryTopics();
  const shared = {
    config,
    recordCache: new SharedRecordCache(config.statestoreCacheMaxBytes),
    objects: new SharedObjectBudget(config.stateObjectsMaxBytes),
    createCursor: () => new MemoryRecordCursor(),
    clock,
    metrics,
    tags: {},
    logger: config.logger,
  };
  const openStorage = async (taskId: string): Promise<TaskStorage> => {
    const topologyFingerprint = fingerprint(plan);
    const request = { taskId, clusterId: 'test', topologyFingerprint, tasks: 1 };
    return (await stateDirectory.open(request)).storage;
  };

  let globalTask: GlobalTask | null = null;
  let globalStorage: TaskStorage | null = null;
  if (plan.globalStores.length > 0) {
    const { globalStores } = plan;
    globalStorage = await openStorage('global');
    const globalTopics = globalStores.flatMap(({ source }) => source.topics);
    const partitions = globalTopics.map((topic) => ({ topic, partition: PARTITION }));
    globalTask = await GlobalTask.open({
      ...shared,
      globalStores,
      partitions,
      storage: globalStorage,
    });
  }

  let task: StreamTask | null = null;
  let storage: TaskStorage | null = null;
  const subtopology = mergeSubtopologies(plan);
  if (subtopology !== null) {
    const id = new TaskId(subtopology.id, PARTITION);
    const repartitionTopics = new Set(plan.repartitionTopics.map(({ name }) => name));
    const names = new TopicNames(config.applicationId, repartitionTopics);
    const sourcePartitions = subtopology.sourceTopics.map((topic) => ({
      topic: names.resolve(topic),
      partition: PARTITION,
    }));
    storage = await openStorage(id.toString());
    task = StreamTask.open({
      ...shared,
      id,
      subtopology,
      repartitionTopics,
      sourcePartitions,
      storage,
      sink: topics,
      globalStores: globalTask?.stores ?? new Map<string, ManagedStore>(),
      lag: () => 0,
    });
    await task.start(sourcePartitions.map((source) => ({ ...source, offset: 0, metadata: '' })));
  }
  return {
    config,
    plan,
    clock,
    metrics,
    topics,
    stateDirectory,
    commitsEachRecord: commitAfterEachRecord,
    task,
    storage,
    globalTask,
    globalStorage,
  };
}
