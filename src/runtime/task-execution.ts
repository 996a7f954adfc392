import type { Clock, Timers } from '../common/clock.ts';
import { StreamsError } from '../common/errors.ts';
import type { StreamRecord } from '../common/record.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter, Metrics, MetricTags } from '../observability/metrics.ts';
import type { DroppedReason } from '../processor/dropped-reason.ts';
import type { Shared } from '../processor/internal-processor-context.ts';
import type { Cancellable } from '../processor/punctuator.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import type { ObjectBudget } from '../state/object-budget.ts';
import type { RecordCache } from '../state/record-cache.ts';
import type { TaskStorage } from '../state/task-storage.ts';
import type { SinkNode, Subtopology, TopologyNode } from '../topology/topology-plan.ts';
import { AsyncCalls } from './async-calls.ts';
import { ConnectedStores } from './connected-stores.ts';
import { CurrentRecord } from './current-record.ts';
import { DroppedRecords } from './dropped-records.ts';
import {
  ProcessorContextImpl,
  type ContextTask,
  type ScheduleRequest,
} from './processor-context-impl.ts';
import { ProcessorNode } from './processor-node.ts';
import { ProcessorStateManager } from './processor-state-manager.ts';
import type { ProcessorTimes } from './processor-times.ts';
import { nextDueMs, PunctuationQueue } from './punctuation-queue.ts';
import { RecordCollector } from './record-collector.ts';
import type { RecordSink } from './record-sink.ts';
import { SinkProcessor } from './sink-processor.ts';
import type { TaskConfig } from './task-config.ts';
import { connectChildren, serdesOf, type TaskSource, type TopicNames } from './task-topology.ts';
import { WorkRunner } from './work-runner.ts';

export interface TaskExecutionOptions {
  readonly taskId: string;
  /** The partition of its changelogs. */
  readonly partition: number;
  readonly subtopology: Subtopology;
  readonly topicNames: TopicNames;
  readonly sources: readonly TaskSource[];
  readonly config: TaskConfig;
  readonly storage: TaskStorage;
  readonly sink: RecordSink;
  readonly recordCache: RecordCache;
  readonly objects: ObjectBudget;
  readonly globalStores: ReadonlyMap<string, ManagedStore>;
  readonly clock: Clock;
  /** Left out: what a processor waits for when it is closed is waited for, however long it takes. */
  readonly timers?: Timers | undefined;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
  readonly logger: Logger;
  readonly streamTimeMs: () => number;
  readonly requestCommit: () => void;
}

/**
 * One life of a task's processors and stores: from when the stores are opened until the task is closed, or discarded
 * because its transaction was aborted. The next life has other objects, so that what an async processor of this one still
 * does reaches nothing, and no field of an operator outlives the state that it was derived from.
 */
export class TaskExecution implements ContextTask {
  readonly applicationId: string;
  readonly logger: Logger;
  readonly current: CurrentRecord;
  readonly state: ProcessorStateManager;
  readonly runner: WorkRunner;
  readonly dropped: DroppedRecords;
  readonly streamTimePunctuations = new PunctuationQueue();
  readonly wallClockPunctuations = new PunctuationQueue();

  readonly #options: TaskExecutionOptions;
  readonly #calls: AsyncCalls;
  readonly #collector: RecordCollector;
  readonly #shared = new Map<Shared<unknown>, unknown>();
  #nodes: readonly ProcessorNode[] = [];

  constructor(options: TaskExecutionOptions) {
    const { taskId, config, sink, clock, metrics, tags, logger } = options;
    this.#options = options;
    this.applicationId = config.applicationId;
    this.logger = logger;
    this.current = new CurrentRecord(taskId);
    const { current } = this;
    this.dropped = new DroppedRecords(metrics, tags, logger);
    const { dropped } = this;
    this.#calls = new AsyncCalls({ current, maxWaiting: config.maxAsyncRecordsPerTask });
    this.#collector = new RecordCollector({
      current,
      sink,
      clock,
      logger,
      dropped,
      productionExceptionHandler: config.productionExceptionHandler,
      deadLetter: (topic, context, error) => {
        this.runner.deadLetter(topic, context, error);
      },
    });
    this.state = new ProcessorStateManager({
      ...options,
      stores: options.subtopology.stores,
      applicationId: config.applicationId,
      current,
      dropExpiredWindow: () => {
        dropped.count('expired-window', () => current.site());
      },
    });
    const calls = this.#calls;
    const collector = this.#collector;
    const { state } = this;
    this.runner = new WorkRunner({
      config,
      current,
      calls,
      state,
      sink,
      collector,
      dropped,
      logger,
    });
  }

  /** Makes the processors; the stores hold what was committed. Errors: what their constructors throw, and of serdes. */
  start(): void {
    const { subtopology, sources } = this.#options;
    const made = new Map<string, ProcessorNode>();
    for (const node of subtopology.nodes) {
      if (node.kind !== 'source') made.set(node.name, this.#make(node));
    }
    connectChildren(subtopology, made, sources);
    this.#nodes = [...made.values()];
  }

  /** From now on nothing that is still going on has an effect. */
  abandon(): void {
    this.current.isAbandoned = true;
    this.current.record = null;
    this.current.queue = null; // the next life's is the same one
    this.state.discard();
    this.state.close();
  }

  /** Closes every processor, and only then throws what the first one threw. */
  async closeProcessors(): Promise<void> {
    const nodes = this.#nodes;
    this.#nodes = [];
    const outcomes = await Promise.allSettled(nodes.map((node) => this.#closeInTime(node)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Its task is somebody else's next, who cannot wait for a promise that never settles. */
  async #closeInTime(node: ProcessorNode): Promise<void> {
    const { timers, config, taskId } = this.#options;
    const { processorCloseTimeoutMs } = config;
    if (timers === undefined) {
      await node.close();
      return;
    }
    const closed = new AbortController();
    const tooLate = timers.sleep(processorCloseTimeoutMs, closed.signal).then(() => {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        `close() of a processor has not settled for ${processorCloseTimeoutMs} ms (processorCloseTimeoutMs): give what it waits for a timeout`,
        { site: { taskId, node: node.name } },
      );
    });
    try {
      await Promise.race([node.close(), tooLate]);
    } finally {
      closed.abort();
    }
  }

  get streamTimeMs(): number {
    return this.#options.streamTimeMs();
  }

  systemTimeMs(): number {
    return this.#options.clock.nowMs();
  }

  schedule(node: ProcessorNode, request: ScheduleRequest): Cancellable {
    const { intervalMs, punctuator } = request;
    const queue =
      request.type === 'stream-time' ? this.streamTimePunctuations : this.wallClockPunctuations;
    return queue.schedule({ node, punctuator, intervalMs, firstMs: this.#firstDueMs(request) });
  }

  requestCommit(): void {
    this.#options.requestCommit();
  }

  forwardFlushed(
    children: readonly ProcessorNode[],
    record: StreamRecord<unknown, unknown>,
  ): boolean {
    return this.runner.forwardFlushed(children, record);
  }

  counter(node: string, name: string): Counter {
    const { metrics, tags } = this.#options;
    return metrics.counter(name, { ...tags, 'processor-node-id': node });
  }

  get processorTimes(): ProcessorTimes {
    return this.state.times;
  }

  get emitIntervalMs(): number {
    return this.#options.config.emitIntervalMs;
  }

  shared<T>(shared: Shared<T>): T {
    if (!this.#shared.has(shared)) this.#shared.set(shared, shared.create());
    return this.#shared.get(shared) as T; // what `shared` has made
  }

  drop(node: string, reason: DroppedReason): void {
    this.dropped.count(reason, () => this.current.site(node));
  }

  /** Stream time is aligned to 0 and fires as soon as it is known; the wall clock is aligned to now. */
  #firstDueMs({ intervalMs, type, startTimeMs }: ScheduleRequest): number {
    const nowMs = type === 'stream-time' ? this.streamTimeMs : this.systemTimeMs();
    if (startTimeMs === null) return type === 'stream-time' ? 0 : nowMs + intervalMs;
    if (startTimeMs >= nowMs) return startTimeMs;
    return nextDueMs({ dueMs: startTimeMs, intervalMs, nowMs });
  }

  #make(node: Exclude<TopologyNode, { kind: 'source' }>): ProcessorNode {
    const { current } = this;
    const calls = this.#calls;
    const { name } = node;
    if (node.kind === 'sink') {
      return new ProcessorNode({ name, current, calls, create: () => this.#sinkProcessor(node) });
    }
    const { globalStores } = this.#options;
    const site = { taskId: current.taskId };
    const { stores } = this.state;
    const connected = new ConnectedStores({
      node: name,
      names: node.stores,
      stores,
      globalStores,
      site,
    });
    return new ProcessorNode({
      name,
      current,
      calls,
      create: (made) => node.create(new ProcessorContextImpl(this, made, connected)),
    });
  }

  #sinkProcessor(node: SinkNode): SinkProcessor {
    const { config, topicNames, sink, metrics, tags } = this.#options;
    const { name, topic, partitioner } = node;
    return new SinkProcessor({
      node: name,
      topic: typeof topic === 'string' ? topicNames.resolve(topic) : topic,
      ...serdesOf(node, config),
      partitioner,
      current: this.current,
      collector: this.#collector,
      sink,
      metrics,
      tags,
    });
  }
}
