import { parseDuration, type Duration } from '../common/duration.ts';
import { isStreamsError, StreamsError } from '../common/errors.ts';
import { defaultPartition } from '../common/murmur2.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import { MetricsRegistry } from '../observability/metrics-registry.ts';
import type { MetricTags } from '../observability/metrics.ts';
import { GlobalTask } from '../runtime/global-task.ts';
import { messageOf } from '../runtime/message-of.ts';
import {
  parseStreamsConfig,
  type StreamsConfig,
  type StreamsOptions,
} from '../runtime/streams-config.ts';
import type { Serdes } from '../serde/serde.ts';
import type { KeyValueStore } from '../state/key-value-store.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import { MemoryStateDirectory } from '../state/memory-state-directory.ts';
import { SharedObjectBudget } from '../state/shared-object-budget.ts';
import { SharedRecordCache } from '../state/shared-record-cache.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import { asKeyValueStore, asVersionedKeyValueStore, asWindowStore } from '../state/store-views.ts';
import type { TaskStorage } from '../state/task-storage.ts';
import type { VersionedKeyValueStore } from '../state/versioned-key-value-store.ts';
import type { WindowStore } from '../state/window-store.ts';
import { checkExplicitNames } from '../topology/explicit-names.ts';
import { fingerprint } from '../topology/fingerprint.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { DriverTasks } from './driver-tasks.ts';
import { memoryChunk, MemoryRecordCursor, type MemoryRecord } from './memory-records.ts';
import { MemoryTopics, type ProducedRecord } from './memory-topics.ts';
import { TestInputTopic } from './test-input-topic.ts';
import { TestOutputTopic } from './test-output-topic.ts';
import type { InputTopicOptions, OutputTopicOptions } from './test-record.ts';
import { TopicLayout, type PartitionsOption } from './topic-layout.ts';
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
  /**
   * Partition counts of the topics: 3, or `{ clicks: 3 }`, where others have 1. Given this, the sub-topologies run as
   * they do in production: as tasks of their own, one for each partition. Left out: one task runs everything, over one
   * partition a topic, as in Kafka Streams' driver.
   */
  readonly partitions?: PartitionsOption;
}

/** Which of several stores of one name. */
export interface DriverStoreOptions {
  /** Of the task whose store is meant; needed where several have one. */
  readonly partition?: number;
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
  readonly layout: TopicLayout;
  readonly tasks: DriverTasks;
  readonly globalTask: GlobalTask | null;
  readonly globalStorage: TaskStorage | null;
}

/**
 * Runs a topology without a broker: the tasks, stores, caches and handlers of the runtime, over topics in
 * memory: of one partition each, unless `partitions` says otherwise.
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
  readonly #unread = new Map<string, ProducedRecord[]>();
  readonly #produced = new Set<string>();
  readonly #keyless = new Map<string, number>();
  readonly #globalTopics: ReadonlySet<string>;
  #failure: StreamsError | null = null;
  #isClosed = false;
  /** Calls run one after the other, whether they are awaited or not. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#globalTopics = new Set(parts.plan.globalStores.flatMap(({ source }) => source.topics));
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
    const { clock, tasks } = this.#parts;
    if (!this.#globalTopics.has(topic) && !tasks.reads(topic)) {
      const known = [...tasks.sourceTopics, ...this.#globalTopics].join(', ');
      throw new StreamsError(
        'STREAMS_TOPIC_MISSING',
        `the topology does not read this topic; it reads: ${known}`,
        { site: { topic } },
      );
    }
    return new TestInputTopic(topic, serdes, options, {
      wallClockMs: () => clock.nowMs(),
      pipe: (record, partition) => this.#inTurn(() => this.#pipe(topic, partition, record)),
    });
  }

  /** Of any topic that is written, internal ones included; of one partition, if that is said. */
  createOutputTopic<K, V>(
    topic: string,
    serdes: Serdes<K, V>,
    { partition }: OutputTopicOptions = {},
  ): TestOutputTopic<K, V> {
    return new TestOutputTopic(topic, serdes, this.#unreadOf(topic), partition ?? null);
  }

  /** Moves the wall clock and runs what that makes due: punctuators, and records that waited for other partitions. */
  advanceWallClock(duration: Duration): Promise<void> {
    const ms = parseDuration(duration, 'duration');
    return this.#inTurn(async () => {
      this.#parts.clock.advance(ms);
      await this.#parts.tasks.punctuate();
      await this.#parts.tasks.commit();
      await this.#processAll();
    });
  }

  /** Empties the caches and commits; needed only without `commitAfterEachRecord`. */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#parts.tasks.commit();
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
  keyValueStore<K, V>(name: string, options?: DriverStoreOptions): KeyValueStore<K, V> {
    return asKeyValueStore<K, V>(this.#store(name, options));
  }

  windowStore<K, V>(name: string, options?: DriverStoreOptions): WindowStore<K, V> {
    return asWindowStore<K, V>(this.#store(name, options));
  }

  versionedKeyValueStore<K, V>(
    name: string,
    options?: DriverStoreOptions,
  ): VersionedKeyValueStore<K, V> {
    return asVersionedKeyValueStore<K, V>(this.#store(name, options));
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
      const { tasks, globalTask, globalStorage, stateDirectory } = this.#parts;
      try {
        await tasks.close();
        await globalTask?.close();
      } finally {
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
        await this.#parts.tasks.refresh();
        await work();
      } catch (error) {
        this.#failure = isStreamsError(error)
          ? error
          : new StreamsError('STREAMS_PROCESSING', messageOf(error), { cause: error });
        this.#parts.topics.takeProduced(); // the transaction that they were part of is aborted
        this.#parts.tasks.discard();
        throw this.#failure;
      }
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #pipe(
    topic: string,
    partition: number | null,
    piped: Omit<MemoryRecord, 'offset'>,
  ): Promise<void> {
    const { topics, layout } = this.#parts;
    const chosen = partition ?? this.#defaultPartition(topic, piped.key);
    const count = layout.count(topic);
    if (!(chosen >= 0 && chosen < count)) {
      throw new StreamsError(
        'STREAMS_CONFIG',
        `the topic has ${count} partitions, so there is no ${chosen}: give the driver more (\`partitions\`)`,
        { site: { topic, option: 'partition' } },
      );
    }
    await this.#deliver({
      topic,
      partition: chosen,
      record: topics.next(topic, chosen, piped),
    });
    await this.#processAll();
  }

  /** As a producer would choose; records without a key go to the partitions in turn. */
  #defaultPartition(topic: string, key: Uint8Array | null): number {
    const count = this.#parts.layout.count(topic);
    if (key !== null) return defaultPartition(key, count);
    const keyless = this.#keyless.get(topic) ?? 0;
    this.#keyless.set(topic, keyless + 1);
    return keyless % count;
  }

  async #deliver({ topic, partition, record }: ProducedRecord): Promise<void> {
    const { tasks } = this.#parts;
    if (tasks.reads(topic)) {
      await tasks.refresh();
      tasks.add(topic, partition, record);
    }
    if (this.#globalTopics.has(topic)) await this.#updateGlobal(topic, partition, record);
  }

  async #updateGlobal(topic: string, partition: number, record: MemoryRecord): Promise<void> {
    const { globalTask } = this.#parts;
    if (globalTask === null) return;
    globalTask.addChunk(memoryChunk(topic, partition, [record]));
    globalTask.process(1, Infinity);
    await globalTask.pending;
    await globalTask.checkpoint(new Map());
  }

  /** In the order of Kafka Streams' driver: what a record leads to in topics comes behind what waits there already. */
  async #processAll(): Promise<void> {
    const { tasks, commitsEachRecord } = this.#parts;
    await this.#loopBack();
    while (await tasks.processOne()) {
      await tasks.punctuate();
      if (commitsEachRecord) await tasks.commit();
      await this.#loopBack();
    }
  }

  /** Hands out what was written: to readers, and to the topology where it reads the topic itself. */
  async #loopBack(): Promise<void> {
    for (const produced of this.#parts.topics.takeProduced()) {
      this.#produced.add(produced.topic);
      this.#unreadOf(produced.topic).push(produced);
      await this.#deliver(produced);
    }
  }

  #unreadOf(topic: string): ProducedRecord[] {
    const unread = this.#unread.get(topic) ?? [];
    this.#unread.set(topic, unread);
    return unread;
  }

  #store(name: string, { partition }: DriverStoreOptions = {}): ManagedStore {
    const { tasks, globalTask } = this.#parts;
    const store = tasks.store(name, partition ?? null) ?? globalTask?.stores.get(name);
    if (store !== undefined) return store;
    const names = [...tasks.storeNames, ...(globalTask?.stores.keys() ?? [])];
    const where = partition === undefined ? '' : ` of partition ${partition}`;
    throw new StreamsError(
      'STREAMS_STORE_UNKNOWN',
      `the topology has no store '${name}'${where}; it has: ${names.join(', ') || 'none'}`,
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
    partitions,
  }: TopologyTestDriverOptions,
): Promise<DriverParts> {
  const config = parseStreamsConfig({
    applicationId: 'test',
    brokers: ['test:9092'],
    emitIntervalMs: 0,
    ...options,
  });
  if (config.ensureExplicitInternalResourceNaming) checkExplicitNames(plan);
  const clock = new VirtualClock(startWallClockMs);
  const metrics = new MetricsRegistry();
  const layout = new TopicLayout(partitions ?? 1);
  const topics = new MemoryTopics(layout);
  const shared = {
    config,
    recordCache: new SharedRecordCache(config.statestoreCacheMaxBytes),
    objects: new SharedObjectBudget(config.stateObjectsMaxBytes),
    createCursor: () => new MemoryRecordCursor(),
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
    globalStorage = await openStorage('global');
    globalTask = await GlobalTask.open({
      ...shared,
      clock,
      globalStores: plan.globalStores,
      partitions: plan.globalStores.flatMap(({ source }) => allPartitions(source.topics, layout)),
      storage: globalStorage,
    });
  }
  const tasks = await DriverTasks.open({
    plan,
    shared: { ...shared, globalStores: globalTask?.stores ?? new Map<string, ManagedStore>() },
    clock,
    topics,
    layout,
    isMerged: partitions === undefined,
    openStorage,
  });
  return {
    config,
    plan,
    clock,
    metrics,
    topics,
    stateDirectory,
    commitsEachRecord: commitAfterEachRecord,
    layout,
    tasks,
    globalTask,
    globalStorage,
  };
}

function allPartitions(topics: readonly string[], layout: TopicLayout): TopicPartition[] {
  return topics.flatMap((topic) =>
    Array.from({ length: layout.count(topic) }, (_, partition) => ({ topic, partition })),
  );
}
