import type { Admin } from '../client/admin.ts';
import type { Fetcher } from '../client/fetcher.ts';
import type { Clock, Timers } from '../common/clock.ts';
import { StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { TaskStorage } from '../state/task-storage.ts';
import type { GlobalStore } from '../topology/topology-plan.ts';
import { readChangelogFacts, resumePoint, type ChangelogFacts } from './changelog-positions.ts';
import type { GlobalTask } from './global-task.ts';
import type { StreamsConfig } from './streams-config.ts';

export interface GlobalStreamThreadOptions {
  readonly globalStores: readonly GlobalStore[];
  readonly config: Pick<
    StreamsConfig,
    'sliceMs' | 'commitIntervalMs' | 'statestoreUncommittedMaxBytes' | 'restoreStallTimeoutMs'
  >;
  readonly admin: Admin;
  readonly fetcher: Fetcher;
  /** The state folder or, where no global store is to outlive the process, memory. */
  readonly folder: StateDirectory;
  /** Under which its storage is kept: see `globalTaskId`. */
  readonly taskId: string;
  readonly clusterId: string;
  readonly topologyFingerprint: string;
  readonly openTask: (
    partitions: readonly TopicPartition[],
    storage: TaskStorage,
  ) => Promise<GlobalTask>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Kafka Streams' name of the folder; each further thread of a process has one of its own. */
const FOLDER = 'global';
const POLL_MS = 500;
const LAP_RECORDS = 1_000;

export function globalTaskId(threadIndex: number): string {
  return threadIndex === 1 ? FOLDER : `${FOLDER}-${threadIndex}`;
}

/** True for what `globalTaskId` gives. */
export function isGlobalTaskId(taskId: string): boolean {
  return taskId.startsWith(FOLDER);
}

/**
 * Keeps the global stores of one instance: complete before anything else runs, then following their topics.
 *
 * They are complete when every partition has been read to the high watermark of the start, by position, read committed.
 * Rows and positions go to the storage together, each commit interval; what a crash loses is read again.
 *
 * Errors of `open` and `run`: `STREAMS_TOPIC_MISSING`, `STREAMS_RESTORE_STALLED`, those of the topics' processors. None of
 * them can be mended by starting over from a group's offsets, so they stop the instance.
 * Source: `org.apache.kafka.streams.processor.internals.GlobalStreamThread`.
 */
export class GlobalStreamThread {
  readonly #options: GlobalStreamThreadOptions;
  readonly #storage: TaskStorage;
  readonly #task: GlobalTask;
  readonly #topicIds: ReadonlyMap<string, string>;
  readonly #closing = new AbortController();
  #lastCheckpointMs: number;

  private constructor(
    options: GlobalStreamThreadOptions,
    parts: {
      readonly storage: TaskStorage;
      readonly task: GlobalTask;
      readonly topicIds: ReadonlyMap<string, string>;
    },
  ) {
    this.#options = options;
    this.#storage = parts.storage;
    this.#task = parts.task;
    this.#topicIds = parts.topicIds;
    this.#lastCheckpointMs = options.clock.monotonicMs();
  }

  /** Resolves when the stores are complete; rejects with the signal's reason when that aborts first. */
  static async open(
    options: GlobalStreamThreadOptions,
    signal: AbortSignal,
  ): Promise<GlobalStreamThread> {
    const { admin, globalStores, openTask } = options;
    const partitions = await partitionsOf(admin, globalStores);
    const facts = await readChangelogFacts(admin, partitions);
    const storage = await openStorage(options, facts);
    try {
      const task = await openTask(partitions, storage);
      const topicIds = new Map([...facts.values()].map(({ topic, topicId }) => [topic, topicId]));
      const thread = new GlobalStreamThread(options, { storage, task, topicIds });
      await thread.#restore(facts, signal);
      return thread;
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  get stores(): ReadonlyMap<string, ManagedStore> {
    return this.#task.stores;
  }

  /** Follows the topics until `close`; rejects with what fails. */
  async run(): Promise<void> {
    while (!this.#isClosing()) {
      try {
        await this.#step(this.#closing.signal);
      } catch (error) {
        if (!this.#isClosing()) throw error;
      }
    }
  }

  /** After `run`, or instead of it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#options.fetcher.close();
    await this.#task.close();
    await this.#storage.close();
  }

  /** Lets `run` end. */
  stop(): void {
    this.#closing.abort();
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #restore(facts: ReadonlyMap<string, ChangelogFacts>, signal: AbortSignal): Promise<void> {
    const { fetcher, clock, config, logger } = this.#options;
    const behind = new Map<string, ChangelogFacts>();
    fetcher.assign(
      [...facts].map(([key, changelog]) => {
        const { topic, partition, topicId, earliest, end } = changelog;
        const offset = this.#task.position(topic, partition)?.offset ?? earliest;
        if (offset < end) behind.set(key, changelog);
        return { topic, partition, offset: Math.max(offset, earliest), topicId };
      }),
    );
    if (behind.size > 0) logger.info({ partitions: [...behind.keys()] }, 'restoring global stores');
    let lastMoveMs = clock.monotonicMs();
    while (behind.size > 0) {
      signal.throwIfAborted();
      if (await this.#step(signal)) lastMoveMs = clock.monotonicMs();
      for (const [key, { topic, partition, end }] of behind) {
        if ((fetcher.position(topic, partition) ?? 0) >= end) behind.delete(key);
      }
      const stillMs = clock.monotonicMs() - lastMoveMs;
      if (behind.size > 0 && stillMs >= config.restoreStallTimeoutMs) {
        throw stalled([...behind.keys()], stillMs);
      }
    }
    await this.#checkpoint();
  }

  /** Reads, processes all of it, and writes it down when it is time; returns whether there was anything. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const { fetcher, config, clock } = this.#options;
    const chunks = await fetcher.poll(POLL_MS, signal);
    for (const chunk of chunks) this.#task.addChunk(chunk);
    if (chunks.length > 0) await this.#process();
    const isDue = clock.monotonicMs() - this.#lastCheckpointMs >= config.commitIntervalMs;
    const isLarge = this.#task.uncommittedBytes >= config.statestoreUncommittedMaxBytes;
    if (isDue || isLarge) await this.#checkpoint();
    return chunks.length > 0;
  }

  async #process(): Promise<void> {
    const { clock, timers, config } = this.#options;
    for (;;) {
      const processed = this.#task.process(LAP_RECORDS, clock.monotonicMs() + config.sliceMs);
      if (this.#task.pending !== null) await this.#task.pending;
      else if (processed === 0) return;
      await timers.yieldToEventLoop();
    }
  }

  async #checkpoint(): Promise<void> {
    await this.#task.checkpoint(this.#topicIds);
    this.#lastCheckpointMs = this.#options.clock.monotonicMs();
  }
}

async function partitionsOf(
  admin: Admin,
  globalStores: readonly GlobalStore[],
): Promise<readonly TopicPartition[]> {
  const names = globalStores.flatMap(({ source }) => source.topics);
  const topics = await admin.describeTopics(names);
  return names.flatMap((topic) => {
    const info = topics.get(topic);
    if (info === undefined) {
      throw new StreamsError(
        'STREAMS_TOPIC_MISSING',
        'the topic of this global table does not exist: create it before the application starts, or correct its name',
        { site: { topic } },
      );
    }
    return Array.from({ length: info.partitionCount }, (_, partition) => ({ topic, partition }));
  });
}

/** The storage; emptied where it is not a beginning of what the topics hold now. */
async function openStorage(
  { folder, taskId, clusterId, topologyFingerprint, clock }: GlobalStreamThreadOptions,
  facts: ReadonlyMap<string, ChangelogFacts>,
): Promise<TaskStorage> {
  const request = { taskId, clusterId, topologyFingerprint, tasks: 1 };
  const { storage } = await folder.open(request);
  for (const changelog of facts.values()) {
    const key = partitionKey(changelog.topic, changelog.partition);
    const { wipe } = resumePoint(storage.position(key), changelog, clock.nowMs(), false);
    if (wipe === null) continue;
    await storage.close();
    await folder.wipe(taskId, wipe);
    return (await folder.open(request)).storage;
  }
  return storage;
}

function stalled(partitions: readonly string[], forMs: number): StreamsError {
  return new StreamsError(
    'STREAMS_RESTORE_STALLED',
    `no partition of a global table has moved for ${Math.round(forMs)} ms (${partitions.join(', ')}): a producer has left a transaction open there, or a replica is out of sync. Kafka's kafka-transactions tool finds and aborts it; restoreStallTimeoutMs is how long to wait`,
  );
}
