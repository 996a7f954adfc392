import type { Clock, Timers } from '../common/clock.ts';
import { invariant, StreamsError } from '../common/errors.ts';
import type { TaskId } from '../common/task-id.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter, Metrics, MetricTags } from '../observability/metrics.ts';
import type { ManagedStore, RestoredRecord } from '../state/managed-store.ts';
import type { ObjectBudget } from '../state/object-budget.ts';
import type { RecordCache } from '../state/record-cache.ts';
import type {
  ChangelogPosition,
  CommittedChanges,
  StorageRange,
  TaskStorage,
} from '../state/task-storage.ts';
import type { Subtopology } from '../topology/topology-plan.ts';
import { askHandler } from './ask-handler.ts';
import { sourceContext } from './current-record.ts';
import { decodeOffsetMetadata, encodeOffsetMetadata, UNKNOWN_TIME_MS } from './offset-metadata.ts';
import { PartitionGroup, type ConsumerLag } from './partition-group.ts';
import type { TaskChangelog } from './processor-state-manager.ts';
import type { PunctuationQueue } from './punctuation-queue.ts';
import type { RecordChunk, RecordCursor } from './record-chunk.ts';
import { RecordQueue } from './record-queue.ts';
import type { RecordSink } from './record-sink.ts';
import type { TaskConfig } from './task-config.ts';
import { TaskExecution } from './task-execution.ts';
import { serdesOf, sourcesByTopic, TopicNames, type TaskSource } from './task-topology.ts';

export interface StreamTaskOptions {
  readonly id: TaskId;
  readonly subtopology: Subtopology;
  /** Of the whole plan, as it names them. */
  readonly repartitionTopics: ReadonlySet<string>;
  /** With their full names: of each source topic the partition of this task's number, where the topic has one. */
  readonly sourcePartitions: readonly TopicPartition[];
  readonly config: TaskConfig;
  /** Open; it stays with whoever opened it. */
  readonly storage: TaskStorage;
  readonly sink: RecordSink;
  readonly recordCache: RecordCache;
  readonly objects: ObjectBudget;
  readonly globalStores: ReadonlyMap<string, ManagedStore>;
  /** A cursor for the batches that `addChunk` brings. */
  readonly createCursor: (partition: TopicPartition) => RecordCursor;
  readonly lag: ConsumerLag;
  readonly clock: Clock;
  /** For the deadline of a processor's `close`; left out, it has none. */
  readonly timers?: Timers | undefined;
  readonly metrics: Metrics;
  /** Of the thread; the task adds its own. */
  readonly tags: MetricTags;
  readonly logger: Logger;
}

/** Where a source partition begins, and what was committed with that. */
export interface SourcePosition extends TopicPartition {
  /** Of the first record to process; null where it is not known yet (a reset to the end, say). */
  readonly offset: number | null;
  /** As it was committed; empty where nothing was. */
  readonly metadata: string;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

/** How often `process` looks at the clock: each look takes as long as half an operator. */
const RECORDS_BETWEEN_LOOKS = 16;

/**
 * A sub-topology at work on one partition number of its source topics. It knows no client: the stream thread brings
 * fetched chunks, says when to process, and commits.
 *
 *     open → restore… → start → (addChunk, process, punctuate)… → commit → … → close
 *
 * A commit, in the order of the protocol (T3-T8; docs/adr/0005-commit-protocol.md):
 *
 *     prepareCommit       until `pending` is null: caches are flushed, which forwards and writes changelogs
 *     committableOffsets  when everything produced is acknowledged, into the transaction
 *     seal                when the transaction has committed: what its storage must now be given
 *     postCommit          the storage has it
 *
 * After an abort, or an unknown outcome, `discard` instead of all that; then restore what is missing, and start again.
 *
 * Everything but the processors named async is synchronous. While `pending` is a promise, nothing but `addChunk`,
 * `discard` and `close` may be called. What it rejects with, or `process`, `punctuate` and `prepareCommit` throw, has
 * stopped the task: all that is left is to discard or close it.
 *
 * Source: `org.apache.kafka.streams.processor.internals.StreamTask`.
 */
export class StreamTask {
  readonly id: TaskId;
  readonly sourcePartitions: readonly TopicPartition[];

  readonly #name: string;
  readonly #options: StreamTaskOptions;
  readonly #tags: MetricTags;
  readonly #topicNames: TopicNames;
  readonly #sources: ReadonlyMap<string, TaskSource>;
  readonly #group: PartitionGroup;
  readonly #processedRecords: Counter;
  readonly #punctuateCalls: Counter;
  #execution: TaskExecution;
  /** Lives that were discarded, whose processors are not closed yet. */
  readonly #abandoned: TaskExecution[] = [];
  #isStarted = false;
  #didWork = false;
  #commitRequested = false;
  readonly #committed = new Map<RecordQueue, number>();

  private constructor(options: StreamTaskOptions) {
    const { id, metrics, config } = options;
    this.id = id;
    this.#name = id.toString();
    this.sourcePartitions = options.sourcePartitions;
    this.#options = options;
    this.#tags = { ...options.tags, 'task-id': this.#name };
    this.#topicNames = new TopicNames(config.applicationId, options.repartitionTopics);
    this.#sources = sourcesByTopic(options.subtopology, this.#topicNames);
    const queues = options.sourcePartitions.map((partition) => this.#openQueue(partition));
    this.#group = new PartitionGroup(queues, {
      maxIdleMs: config.maxTaskIdleMs,
      lag: options.lag,
      enforcedProcessing: metrics.counter('enforced-processing-total', this.#tags),
    });
    this.#processedRecords = metrics.counter('process-total', this.#tags);
    this.#punctuateCalls = metrics.counter('punctuate-total', this.#tags);
    this.#execution = this.#openExecution();
  }

  /** Opens the stores. Errors: `STREAMS_CONFIG` for a missing serde; those of the stores. */
  static open(options: StreamTaskOptions): StreamTask {
    return new StreamTask(options);
  }

  /** Its stores by name: for the test driver and for queries. */
  get stores(): ReadonlyMap<string, ManagedStore> {
    return this.#execution.state.stores;
  }

  // Restore

  get changelogs(): readonly TaskChangelog[] {
    return this.#execution.state.changelogs;
  }

  changelogPosition(topic: string): ChangelogPosition | undefined {
    return this.#execution.state.position(topic);
  }

  /** Takes committed changelog records into the storage, with the position behind them, before `start`. */
  restore(
    changelogTopic: string,
    records: Iterable<RestoredRecord>,
    position: ChangelogPosition,
  ): Promise<void> {
    invariant(!this.#isStarted, 'a running task cannot be restored', { taskId: this.#name });
    return this.#execution.state.restore(changelogTopic, records, position);
  }

  /** Makes the processors and takes up the times that were committed. Errors: those of the processors' constructors. */
  async start(positions: readonly SourcePosition[]): Promise<void> {
    await this.#closeAbandoned();
    // Whatever outlived an abort would be committed with what comes now (I9).
    invariant(this.uncommittedBytes === 0, 'a task starts with nothing uncommitted', {
      taskId: this.#name,
    });
    this.#execution.processorTimes.clear();
    this.#committed.clear();
    let streamTimeMs = UNKNOWN_TIME_MS;
    for (const position of positions) {
      streamTimeMs = Math.max(streamTimeMs, this.#begin(position));
    }
    this.#group.reset(streamTimeMs);
    this.#execution.start();
    this.#isStarted = true;
  }

  // Records in

  addChunk(chunk: RecordChunk): void {
    this.#group.add(chunk);
    // Markers and records that cannot be read move the position too, and nobody will be asked to process them.
    if (this.bufferedRecords(chunk.topic, chunk.partition) === 0) this.#didWork = true;
  }

  /** At most so many are buffered: above `bufferedRecordsPerPartition` the thread pauses the partition. */
  bufferedRecords(topic: string, partition: number): number {
    return this.#group.queue(topic, partition)?.bufferedRecords ?? 0;
  }

  // Work

  get streamTimeMs(): number {
    return this.#group.streamTimeMs;
  }

  /** Not null while async processors are at work, or a topic is being looked up. Await it before anything else. */
  get pending(): Promise<void> | null {
    return this.#execution.runner.pending;
  }

  /** Async processors are at work whose outputs may be taken back: no task may write to the same sink until then. */
  get isStaging(): boolean {
    return this.pending !== null && this.#execution.runner.isStaged;
  }

  /** Whether `process` would process something: there are records, and none that should come first is on its way. */
  isReady(nowMs: number): boolean {
    if (this.#isWaiting() || !this.#group.isReady(nowMs)) return false;
    return !this.#isWaiting(); // a record that it met may be on its way to a topic for dead letters
  }

  /**
   * Processes at most `maxRecords`, until the monotonic clock passes `deadlineMs` (looked at now and then), the task is
   * not ready, or an async processor is at work. Returns how many.
   */
  process(maxRecords: number, deadlineMs: number): number {
    const { runner } = this.#execution;
    this.#requireRunning();
    const { clock } = this.#options;
    const group = this.#group;
    let processed = 0;
    let readyWith = -1;
    while (processed < maxRecords && runner.pending === null) {
      const { listed } = group;
      if (this.#isWaiting()) break; // the topic of a dead letter is looked up
      if (listed !== readyWith) {
        if (!group.isReady(clock.nowMs())) break;
        readyWith = listed;
      }
      const queue = group.next();
      if (queue === null) break;
      this.#didWork = true;
      processed++;
      runner.process(queue, queue.take());
      if (processed % RECORDS_BETWEEN_LOOKS === 0 && clock.monotonicMs() >= deadlineMs) break;
    }
    if (processed > 0) this.#processedRecords.add(processed);
    return processed;
  }

  /** Runs the punctuators that are due by stream time, then by `nowMs`; true where there was one. */
  punctuate(nowMs: number): boolean {
    this.#requireRunning();
    const { streamTimePunctuations, wallClockPunctuations } = this.#execution;
    const { streamTimeMs } = this.#group;
    const byStream =
      streamTimeMs !== UNKNOWN_TIME_MS && this.#punctuateDue(streamTimePunctuations, streamTimeMs);
    const byClock = this.#punctuateDue(wallClockPunctuations, nowMs);
    return byStream || byClock;
  }

  /** When the wall clock makes the next punctuator due; null where there is none. */
  get nextPunctuationMs(): number | null {
    return this.#execution.wallClockPunctuations.nextMs;
  }

  // Commit

  get commitNeeded(): boolean {
    return this.#didWork;
  }

  /** A processor has called `commit`. */
  get commitRequested(): boolean {
    return this.#commitRequested;
  }

  get uncommittedBytes(): number {
    return this.#execution.state.uncommittedBytes;
  }

  /** To be called until `pending` is null: what a cache forwards may reach an async processor, and another cache. */
  prepareCommit(): void {
    if (this.pending !== null) return;
    this.#requireRunning();
    this.#execution.runner.flush();
  }

  /**
   * Of each partition that has moved since the last commit, the first record that is not processed; of one at least,
   * where the task did anything, so that the commit is fenced (I4).
   */
  committableOffsets(): readonly PartitionOffset[] {
    return this.#committable().map((queue) => ({
      topic: queue.topic,
      partition: queue.partition,
      offset: this.#forwardOffset(queue),
      metadata: encodeOffsetMetadata({
        partitionTimeMs: queue.partitionTimeMs,
        processorTimesMs: this.#execution.processorTimes.all,
      }),
    }));
  }

  /**
   * Entries and positions for the storage, once the transaction has committed; later writes belong to the next one.
   * `positions`: for each changelog topic that was written, where its last acknowledged record ends.
   */
  seal(positions: ReadonlyMap<string, ChangelogPosition>): CommittedChanges {
    for (const queue of this.#committable()) this.#committed.set(queue, queue.nextOffset() ?? 0);
    this.#didWork = false;
    this.#commitRequested = false;
    return this.#execution.state.seal(positions);
  }

  /** The storage has what was sealed. Returns the ranges of expired windows, to be cleared when there is time. */
  postCommit(): readonly StorageRange[] {
    this.#execution.state.written();
    return this.#execution.state.expiredRanges();
  }

  /** Forgets everything that is not committed: writes, caches, records, times, and the processors with their fields (F1). */
  discard(): void {
    this.#execution.abandon();
    this.#abandoned.push(this.#execution);
    this.#execution = this.#openExecution();
    for (const queue of this.#group.queues) queue.reset(null, UNKNOWN_TIME_MS);
    this.#group.reset(UNKNOWN_TIME_MS);
    this.#isStarted = false;
    this.#didWork = false;
    this.#commitRequested = false;
  }

  /** Closes processors and stores; what is not committed is lost. Throws what a processor's `close` throws, at the end. */
  async close(): Promise<void> {
    const { metrics } = this.#options;
    const isStarted = this.#isStarted;
    this.#isStarted = false;
    try {
      await this.#closeAbandoned();
      if (isStarted) await this.#execution.closeProcessors();
    } finally {
      this.#execution.abandon();
      metrics.remove(this.#tags);
    }
  }

  /** What is committed never goes back (I15). */
  #forwardOffset(queue: RecordQueue): number {
    const { topic, partition } = queue;
    const offset = queue.nextOffset() ?? 0;
    const committed = this.#committed.get(queue) ?? 0;
    invariant(offset >= committed, `a commit would go back from ${committed} to ${offset}`, {
      taskId: this.#name,
      topic,
      partition,
    });
    return offset;
  }

  /** The partitions that a commit names now. */
  #committable(): readonly RecordQueue[] {
    if (!this.#didWork) return [];
    const known = this.#group.queues.filter((queue) => queue.nextOffset() !== null);
    const moved = known.filter((queue) => queue.nextOffset() !== this.#committed.get(queue));
    return moved.length > 0 ? moved : known.slice(0, 1);
  }

  #begin({ topic, partition, offset, metadata }: SourcePosition): number {
    const queue = this.#group.queue(topic, partition);
    invariant(queue !== undefined, 'a position of a partition that the task does not read', {
      taskId: this.#name,
      topic,
      partition,
    });
    const decoded = decodeOffsetMetadata(metadata);
    if (decoded === null) {
      const { logger } = this.#options;
      logger.warn(
        { taskId: this.#name, topic, partition, metadata },
        'the metadata of a committed offset is not known: the stream time of its partition starts anew',
      );
    }
    const partitionTimeMs = decoded?.partitionTimeMs ?? UNKNOWN_TIME_MS;
    if (decoded !== null) this.#execution.processorTimes.restore(decoded.processorTimesMs);
    queue.reset(offset, partitionTimeMs);
    if (offset !== null) this.#committed.set(queue, offset);
    return partitionTimeMs;
  }

  #punctuateDue(punctuations: PunctuationQueue, timeMs: number): boolean {
    const { runner } = this.#execution;
    let count = 0;
    while (runner.pending === null) {
      const due = punctuations.takeDue(timeMs);
      if (due === null) break;
      this.#didWork = true;
      count++;
      runner.punctuate(due, timeMs);
    }
    if (count > 0) this.#punctuateCalls.add(count);
    return count > 0;
  }

  #openQueue({ topic, partition }: TopicPartition): RecordQueue {
    const { config, clock, metrics, createCursor } = this.#options;
    const source = this.#sources.get(topic);
    invariant(source !== undefined, 'a partition of a topic that no source reads', { topic });
    const isRepartition = source.node.topics.some(
      (name) => this.#topicNames.isRepartition(name) && this.#topicNames.resolve(name) === topic,
    );
    const tags = { ...this.#tags, 'processor-node-id': source.name, 'topic-name': topic };
    return new RecordQueue({
      topic,
      partition,
      source,
      clock,
      ...serdesOf(source.node, config),
      timestampExtractor: isRepartition
        ? null
        : (source.node.timestampExtractor ?? config.defaultTimestampExtractor),
      cursor: createCursor({ topic, partition }),
      consumedRecords: metrics.counter('records-consumed-total', tags),
      futureRecords: metrics.counter('future-records-total', tags),
      listener: {
        undecodable: (queue, error) => {
          this.#undecodable(queue, error);
        },
        dropped: (queue, reason) => {
          this.#didWork = true;
          const { offset } = queue;
          const site = { taskId: this.#name, topic, partition, offset, node: source.name };
          this.#execution.dropped.count(reason, () => site);
        },
      },
    });
  }

  /** Asks what becomes of a record that cannot be deserialized. Source: `RecordDeserializer`. */
  #undecodable(queue: RecordQueue, undecodable: StreamsError): void {
    const { config, logger } = this.#options;
    const { runner, dropped } = this.#execution;
    const error = undecodable.at({ taskId: this.#name });
    const context = sourceContext(this.#name, queue.source.name, queue);
    const handler = config.deserializationExceptionHandler;
    const asked = { option: 'deserializationExceptionHandler', handler } as const;
    const response = askHandler(asked, context, error, logger);
    if (response === 'fail') throw error;
    if (response === 'retry') {
      throw new StreamsError(
        'STREAMS_CONFIG',
        "deserializationExceptionHandler returned 'retry', but the same bytes fail again: return 'fail', 'continue' or a " +
          'dead-letter topic',
        { site: { ...error.site, option: 'deserializationExceptionHandler' }, cause: error },
      );
    }
    this.#didWork = true;
    dropped.count('deserialization', () => ({ ...error.site, err: error }));
    if (response !== 'continue') runner.deadLetter(response.deadLetter, context, error);
  }

  #openExecution(): TaskExecution {
    const { id } = this;
    return new TaskExecution({
      ...this.#options,
      taskId: this.#name,
      partition: id.partition,
      topicNames: this.#topicNames,
      sources: [...this.#sources.values()],
      tags: this.#tags,
      streamTimeMs: () => this.#group.streamTimeMs,
      requestCommit: () => {
        this.#commitRequested = true;
      },
    });
  }

  async #closeAbandoned(): Promise<void> {
    const { logger } = this.#options;
    for (const execution of this.#abandoned.splice(0)) {
      try {
        await execution.closeProcessors();
      } catch (err) {
        // Their state is gone already: the task goes on without them.
        logger.warn({ err, taskId: this.#name }, 'a processor failed to close');
      }
    }
  }

  /** A function, since the answer changes while TypeScript believes that it cannot. */
  #isWaiting(): boolean {
    return this.pending !== null;
  }

  #requireRunning(): void {
    const { failure, pending } = this.#execution.runner;
    if (failure !== null) throw failure;
    const isIdle = this.#isStarted && pending === null;
    invariant(isIdle, 'the task was driven before its start or while it waits', {
      taskId: this.#name,
    });
  }
}
