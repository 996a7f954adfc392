import { Fetcher } from '../client/fetcher.ts';
import { Admin } from '../client/admin.ts';
import { KafkaClient } from '../client/kafka-client.ts';
import type { StreamsError } from '../common/errors.ts';
import type { Metrics, MetricTags } from '../observability/metrics.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import { SharedObjectBudget } from '../state/shared-object-budget.ts';
import { SharedRecordCache } from '../state/shared-record-cache.ts';
import { fingerprint } from '../topology/fingerprint.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { GlobalStreamThread, globalTaskId } from './global-stream-thread.ts';
import { GlobalTask } from './global-task.ts';
import {
  clientOptions,
  fetcherOptions,
  type InstanceContext,
  type InstancePorts,
} from './instance-context.ts';
import type { RestoreListener } from './restore-listener.ts';
import type { RunningInstance } from './running-instance.ts';
import type { StreamsConfig, UncaughtExceptionResponse } from './streams-config.ts';
import { TopicNames } from './task-topology.ts';
import { assembleThread, type AssembledThread } from './thread-assembly.ts';

export interface StreamsInstanceOptions {
  readonly plan: TopologyPlan;
  readonly config: StreamsConfig;
  readonly ports: InstancePorts;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
  /** From 1. */
  readonly threadIndex: number;
  readonly restoreListener: RestoreListener;
  /** Throws where the cluster cannot do what the config asks for. */
  readonly checkCluster: (client: KafkaClient) => void;
  readonly onRunning: (running: boolean) => void;
  readonly onUncaught: (error: StreamsError) => UncaughtExceptionResponse;
}

type Closer = () => Promise<void>;

/**
 * Everything that runs between `start()` and `close()` of an instance: connections, the state folder, the global stores and
 * the stream thread.
 *
 *     open    connect and lock the folder, restore the global stores
 *     run     until `stop`, or until one of the threads fails
 *     close   in the reverse order; what is still open is aborted
 */
export class StreamsInstance implements RunningInstance {
  readonly #closers: Closer[];
  readonly #global: GlobalStreamThread | null;
  readonly #assembled: AssembledThread | null;
  readonly #onRunning: (running: boolean) => void;
  #stopped: (() => void) | null = null;
  #isStopping = false;

  private constructor(
    options: StreamsInstanceOptions,
    closers: Closer[],
    parts: {
      readonly global: GlobalStreamThread | null;
      readonly assembled: AssembledThread | null;
    },
  ) {
    this.#onRunning = options.onRunning;
    this.#closers = closers;
    this.#global = parts.global;
    this.#assembled = parts.assembled;
  }

  /** Whatever it has opened is closed again when it rejects. */
  static async open(
    options: StreamsInstanceOptions,
    signal: AbortSignal,
  ): Promise<StreamsInstance> {
    const closers: Closer[] = [];
    try {
      const context = await openContext(options, closers, signal);
      const global = await openGlobal(context, closers, signal);
      const assembled = await openThread(options, context, closers, global);
      signal.throwIfAborted();
      return new StreamsInstance(options, closers, { global, assembled });
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  async run(): Promise<void> {
    const following = this.#global?.run();
    const running = this.#assembled?.thread.run() ?? this.#runWithoutTasks();
    if (following === undefined) return running;
    try {
      // A global store that cannot be followed stops the instance, as in Kafka Streams.
      await Promise.race([running, following.then(() => running)]);
    } catch (error) {
      this.stop();
      await Promise.allSettled([running]);
      throw error;
    } finally {
      this.#global?.stop();
      await Promise.allSettled([following]);
    }
  }

  stop(): void {
    this.#isStopping = true;
    this.#assembled?.thread.stop();
    this.#stopped?.();
  }

  async leaveGroup(): Promise<void> {
    await this.#assembled?.thread.leave();
  }

  async close(): Promise<void> {
    await closeAll(this.#closers);
  }

  stores(name: string): readonly ManagedStore[] | null {
    const global = this.#global?.stores.get(name);
    if (global !== undefined) return [global];
    const tasks = this.#assembled?.tasks;
    if (tasks?.isComplete !== true) return null;
    return tasks.running.flatMap(({ task }) => {
      const store = task.stores.get(name);
      return store === undefined ? [] : [store];
    });
  }

  /** A topology of global tables only has nothing to process. */
  async #runWithoutTasks(): Promise<void> {
    this.#onRunning(true);
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
  }
}

async function openContext(
  options: StreamsInstanceOptions,
  closers: Closer[],
  signal: AbortSignal,
): Promise<InstanceContext> {
  const { plan, config, ports, metrics, tags, threadIndex, restoreListener, checkCluster } =
    options;
  // None of the three needs another.
  const [client, folder, crc32c] = await Promise.allSettled([
    KafkaClient.connect({ ...clientOptions(config, ports), signal }),
    ports.openFolder(),
    ports.loadCrc32c(),
  ]);
  if (client.status === 'fulfilled') closers.push(() => client.value.close());
  if (folder.status === 'fulfilled') closers.push(() => folder.value.close());
  // The folder first: what is wrong with it, no broker will mend.
  if (folder.status === 'rejected') throw folder.reason;
  if (client.status === 'rejected') throw client.reason;
  if (crc32c.status === 'rejected') throw crc32c.reason;
  signal.throwIfAborted();
  checkCluster(client.value);
  return {
    plan,
    topologyFingerprint: fingerprint(plan),
    config,
    names: new TopicNames(
      config.applicationId,
      new Set(plan.repartitionTopics.map(({ name }) => name)),
    ),
    ports,
    client: client.value,
    admin: new Admin(client.value),
    folder: folder.value,
    crc32c: crc32c.value,
    metrics,
    tags,
    threadIndex,
    restoreListener,
  };
}

/** On connections of its own: its long polls would hold up those of the stream thread. */
async function openGlobal(
  context: InstanceContext,
  closers: Closer[],
  signal: AbortSignal,
): Promise<GlobalStreamThread | null> {
  const { plan, config, ports, metrics, tags, folder, topologyFingerprint } = context;
  const { globalStores } = plan;
  if (globalStores.length === 0) return null;
  const client = await KafkaClient.connect({ ...clientOptions(config, ports), signal });
  closers.push(() => client.close());
  const { clock, timers, createCursor, memory } = ports;
  const { logger } = config;
  const global = await GlobalStreamThread.open(
    {
      globalStores,
      config,
      admin: new Admin(client),
      fetcher: new Fetcher(fetcherOptions({ ...context, client }, 'fetch')),
      folder: globalStores.some(({ store }) => store.persistent) ? folder : memory,
      taskId: globalTaskId(context.threadIndex),
      clusterId: client.clusterId,
      topologyFingerprint,
      openTask: (partitions, storage) =>
        GlobalTask.open({
          globalStores,
          partitions,
          config,
          storage,
          recordCache: new SharedRecordCache(0),
          objects: new SharedObjectBudget(config.stateObjectsMaxBytes),
          createCursor,
          clock,
          metrics,
          tags,
          logger,
        }),
      clock,
      timers,
      logger,
    },
    signal,
  );
  closers.push(() => global.close());
  return global;
}

async function openThread(
  { onRunning, onUncaught }: StreamsInstanceOptions,
  context: InstanceContext,
  closers: Closer[],
  global: GlobalStreamThread | null,
): Promise<AssembledThread | null> {
  if (context.plan.subtopologies.length === 0) return null;
  const globalStores = global?.stores ?? new Map<string, ManagedStore>();
  const assembled = await assembleThread({ context, globalStores, onRunning, onUncaught });
  const { thread, fetcher, producer } = assembled;
  closers.push(
    () => producer.close(),
    () => fetcher.close(),
    () => thread.close(),
  );
  return assembled;
}

/** The last opened first; one that fails does not keep the others open. */
async function closeAll(closers: Closer[]): Promise<void> {
  while (closers.length > 0) {
    try {
      await closers.pop()?.();
    } catch {
      // What it was for is over, and its error was that of whoever used it.
    }
  }
}
