import { commitOffsets, fetchCommitted } from '../client/committed-offsets.ts';
import { Fetcher } from '../client/fetcher.ts';
import { GroupMember, type RebalanceListener } from '../client/group-member.ts';
import { Producer } from '../client/producer.ts';
import type { StreamsError } from '../common/errors.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { ManagedStore } from '../state/managed-store.ts';
import { SharedObjectBudget } from '../state/shared-object-budget.ts';
import { SharedRecordCache } from '../state/shared-record-cache.ts';
import type { TaskStorage } from '../state/task-storage.ts';
import {
  changelogTopicName,
  internalTopics,
  type InternalTopic,
} from '../topology/internal-topics.ts';
import type { TopicPattern } from '../topology/topic-pattern.ts';
import type { OffsetReset, Subtopology, TopologyPlan } from '../topology/topology-plan.ts';
import { readAssignedTasks } from './assigned-tasks.ts';
import { StreamsPartitionAssignor } from './assignment/streams-partition-assignor.ts';
import { InstanceEnvironment } from './assignor-environment.ts';
import { changelogRecords } from './changelog-records.ts';
import { ChangelogReader } from './changelog-reader.ts';
import { Committer, PlainCommit, TransactionalCommit, type OffsetCommit } from './committer.ts';
import { FailureClock } from './failure-clock.ts';
import { InputReader } from './input-reader.ts';
import { fetcherOptions, isExactlyOnce, type InstanceContext } from './instance-context.ts';
import { InternalTopicManager } from './internal-topic-manager.ts';
import { ProducerSink } from './producer-sink.ts';
import { RefusedOutputs } from './refused-outputs.ts';
import { RepartitionPurge } from './repartition-purge.ts';
import { SourceTopics } from './source-topics.ts';
import type { CommittedOffsets } from './start-offsets.ts';
import { StreamTask } from './stream-task.ts';
import { StreamThread } from './stream-thread.ts';
import type { StreamsConfig, UncaughtExceptionResponse } from './streams-config.ts';
import { SubscribedPlan } from './subscribed-plan.ts';
import { TaskManager } from './task-manager.ts';
import { TaskOpener } from './task-opener.ts';
import { TaskRegistry, type AssignedTask } from './task-registry.ts';
import { WakeUp } from './wake-up.ts';

export interface ThreadOptions {
  readonly context: InstanceContext;
  readonly globalStores: ReadonlyMap<string, ManagedStore>;
  /** True while every assigned task runs. */
  readonly onRunning: (running: boolean) => void;
  readonly onUncaught: (error: StreamsError) => UncaughtExceptionResponse;
}

/** A stream thread, with the parts that end when it has ended. */
export interface AssembledThread {
  readonly thread: StreamThread;
  readonly tasks: TaskManager;
  readonly fetcher: Fetcher;
  readonly producer: Producer;
}

/** How long a pending offset may stay undecided: the transaction's own timeout, and the broker's time to act on it. */
const UNSTABLE_MARGIN_MS = 30_000;

/** Builds the one stream thread of an instance from its parts; starts nothing. */
export async function assembleThread(options: ThreadOptions): Promise<AssembledThread> {
  const { context, onRunning, onUncaught } = options;
  const { plan, config, names, ports, admin, metrics, tags } = context;
  const { clock, timers, random } = ports;
  const { logger } = config;
  const wakeUp = new WakeUp(timers);
  const failures = new FailureClock({
    timeoutMs: config.taskTimeoutMs,
    backoff: { firstMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs },
    clock,
    random,
  });
  const fetcher = new Fetcher(fetcherOptions(context, 'fetch'));
  fetcher.onData(wakeUp.wake);
  const producer = await createProducer(context);
  const sink = new ProducerSink(producer, admin);
  const registry = createRegistry(options, { fetcher, sink });
  const opener = createOpener(context, {
    registry,
    sink,
    failures,
    sourceIds: () => sources.externalIds(),
  });
  const tasks = new TaskManager({ opener, registry, onChange: wakeUp.wake, metrics, tags });
  const environment = createEnvironment(context, { registry, tasks });
  const subscribed = createSubscribedPlan(context);
  const assignor = createAssignor(context, subscribed, environment);
  const sources = new SourceTopics({
    admin,
    names: () => assignor.topics(),
    internal: new Set(plan.repartitionTopics.map(({ name }) => names.resolve(name))),
    patternChange: () => subscribed.change(),
    refreshIntervalMs: config.metadataMaxAgeMs,
    clock,
    logger,
  });
  const thread = new StreamThread({
    config,
    producer,
    createMember: (listener) => createMember(context, assignor, listener),
    input: new InputReader({
      fetcher,
      maxBufferedRecords: config.bufferedRecordsPerPartition,
      topicId: (topic) => sources.id(topic),
      metrics,
      tags,
    }),
    tasks,
    committer: new Committer({
      producer,
      offsetCommit: createOffsetCommit(context, producer),
      pendingTimeoutMs: config.taskTimeoutMs,
      clock,
      timers,
      failpoints: ports.failpoints,
      metrics,
      tags,
    }),
    purge: createPurge(context),
    sources,
    failures,
    wakeUp,
    readAssignment: (assignment) =>
      readAssignedTasks(assignment, plan, names, context.topologyFingerprint),
    onRunning,
    onUncaught,
    requestShutdown: (error) => {
      environment.requestShutdown(error);
    },
    describeOthers: async (memberId) => {
      const { members, groupState } = await admin.describeGroup(config.applicationId);
      const others = members.filter((member) => member.memberId !== memberId);
      return { count: others.length, areJoining: groupState === 'PreparingRebalance' };
    },
    clock,
    timers,
    logger,
    metrics,
    tags,
  });
  return { thread, tasks, fetcher, producer };
}

/** `transactional.id` as Kafka Streams names it: a restart on the same state folder fences its predecessor. */
async function createProducer(context: InstanceContext): Promise<Producer> {
  const { client, config, folder, crc32c, ports, threadIndex } = context;
  const producer = await Producer.create({
    client,
    transactionalId: isExactlyOnce(config)
      ? `${config.applicationId}-${folder.processId}-${threadIndex}`
      : null,
    transactionTimeoutMs: config.transactionTimeoutMs,
    compression: ports.compression,
    codecs: ports.codecs,
    crc32c,
    batchBytes: config.batchSize,
    maxRequestBytes: config.maxRequestSize,
    bufferBytes: config.bufferMemory,
    lingerMs: config.lingerMs,
    deliveryTimeoutMs: config.deliveryTimeoutMs,
  });
  const refused = new RefusedOutputs(context);
  producer.onError((failure) => refused.decide(failure));
  return producer;
}

function createOffsetCommit(
  { client, config, ports }: InstanceContext,
  producer: Producer,
): OffsetCommit {
  return isExactlyOnce(config)
    ? new TransactionalCommit(producer, ports.failpoints)
    : new PlainCommit((offsets, membership) => commitOffsets(client, membership, offsets));
}

function createRegistry(
  { context, globalStores }: ThreadOptions,
  { fetcher, sink }: { readonly fetcher: Fetcher; readonly sink: ProducerSink },
): TaskRegistry {
  const { plan, config, ports, client, folder, metrics, tags } = context;
  const { logger } = config;
  const shared = {
    repartitionTopics: new Set(plan.repartitionTopics.map(({ name }) => name)),
    config,
    sink,
    recordCache: new SharedRecordCache(config.statestoreCacheMaxBytes),
    objects: new SharedObjectBudget(config.stateObjectsMaxBytes),
    globalStores,
    createCursor: ports.createCursor,
    lag: (topic: string, partition: number) => fetcher.lag(topic, partition),
    clock: ports.clock,
    timers: ports.timers,
    metrics,
    tags,
    logger,
  };
  return new TaskRegistry({
    folder,
    memory: ports.memory,
    clusterId: client.clusterId,
    topologyFingerprint: context.topologyFingerprint,
    openTask: ({ id, subtopology, partitions }: AssignedTask, storage: TaskStorage) =>
      StreamTask.open({ ...shared, id, subtopology, sourcePartitions: partitions, storage }),
    logger,
  });
}

function createOpener(
  context: InstanceContext,
  parts: {
    readonly registry: TaskRegistry;
    readonly sink: ProducerSink;
    readonly failures: FailureClock;
    readonly sourceIds: () => ReadonlyMap<string, string>;
  },
): TaskOpener {
  const { config, ports, admin, metrics, tags } = context;
  const { registry, sink, failures, sourceIds } = parts;
  const reader = new ChangelogReader({
    openFetcher: () => new Fetcher(fetcherOptions(context, 'restore')),
    recordsOf: (chunk, endOffset) => changelogRecords(chunk, ports.createCursor(chunk), endOffset),
    listener: context.restoreListener,
    onProgress: () => {
      failures.progress();
    },
    stallTimeoutMs: config.restoreStallTimeoutMs,
    clock: ports.clock,
    failpoints: ports.failpoints,
    logger: config.logger,
    metrics,
    tags,
  });
  return new TaskOpener({
    admin,
    fetchCommitted: (partitions, signal) => fetchGroupOffsets(context, partitions, signal),
    resetPolicy: resetPolicies(context),
    prepareOutputs: async (tasks) => {
      const topics = tasks.flatMap(({ subtopology }) => outputTopics(context, subtopology));
      if (topics.length > 0) await sink.prepareTopics([...new Set(topics)]);
    },
    registry,
    reader,
    sourceIds,
    allowTruncatedChangelog: config.allowTruncatedChangelog,
    exactlyOnce: isExactlyOnce(config),
    clock: ports.clock,
    logger: config.logger,
  });
}

function createEnvironment(
  context: InstanceContext,
  { registry, tasks }: { readonly registry: TaskRegistry; readonly tasks: TaskManager },
): InstanceEnvironment {
  const { admin, config, folder } = context;
  return new InstanceEnvironment({
    admin,
    fetchCommitted: (partitions) => fetchGroupOffsets(context, partitions),
    internalTopics: new InternalTopicManager({
      admin,
      logger: config.logger,
      replicationFactor: config.replicationFactor,
      createMissing: config.createMissingInternalTopics,
      timeoutMs: config.requestTimeoutMs,
    }),
    folder,
    registry,
    tasks,
  });
}

function createSubscribedPlan({ plan, admin, config }: InstanceContext): SubscribedPlan {
  const own = new Set(ownTopics(plan, config).map(({ name }) => name));
  return new SubscribedPlan({ plan, admin, isOwn: (topic) => own.has(topic) });
}

function ownTopics(plan: TopologyPlan, config: StreamsConfig): InternalTopic[] {
  return internalTopics(plan, {
    applicationId: config.applicationId,
    topicConfig: config.topicConfig,
    additionalRetentionMs: config.windowstoreChangelogAdditionalRetentionMs,
  });
}

function createAssignor(
  context: InstanceContext,
  subscribed: SubscribedPlan,
  environment: InstanceEnvironment,
): StreamsPartitionAssignor {
  const { plan, topologyFingerprint, folder, names, config } = context;
  return new StreamsPartitionAssignor({
    subscribed,
    fingerprint: topologyFingerprint,
    processId: folder.processId,
    topicName: (planned) => names.resolve(planned),
    internalTopics: ownTopics(plan, config),
    environment,
    logger: config.logger,
  });
}

function createMember(
  { client, config, ports, threadIndex }: InstanceContext,
  assignor: StreamsPartitionAssignor,
  listener: RebalanceListener,
): GroupMember {
  const { groupInstanceId } = config;
  return new GroupMember({
    client,
    groupId: config.applicationId,
    groupInstanceId: groupInstanceId === null ? null : `${groupInstanceId}-${threadIndex}`,
    protocolName: 'millrace-1',
    sessionTimeoutMs: config.sessionTimeoutMs,
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    rebalanceTimeoutMs: config.maxPollIntervalMs,
    assignor,
    listener,
    clock: ports.clock,
    timers: ports.timers,
    logger: config.logger,
  });
}

function createPurge({ plan, names, admin, config, ports }: InstanceContext): RepartitionPurge {
  const topics = new Set(plan.repartitionTopics.map(({ name }) => names.resolve(name)));
  return new RepartitionPurge({
    admin,
    intervalMs: config.repartitionPurgeIntervalMs,
    isRepartitionTopic: (topic) => topics.has(topic),
    clock: ports.clock,
    logger: config.logger,
  });
}

function fetchGroupOffsets(
  { client, config }: InstanceContext,
  partitions: readonly TopicPartition[],
  signal?: AbortSignal,
): Promise<CommittedOffsets> {
  return fetchCommitted(client, config.applicationId, partitions, {
    requireStable: isExactlyOnce(config),
    deadlineMs: config.transactionTimeoutMs + UNSTABLE_MARGIN_MS,
    signal,
  });
}

/** By topic as the cluster names it. A repartition topic is always read from its beginning. */
function resetPolicies({ plan, names, config }: InstanceContext): (topic: string) => OffsetReset {
  const policies = new Map<string, OffsetReset>();
  const byPattern: { readonly pattern: TopicPattern; readonly policy: OffsetReset }[] = [];
  for (const { nodes } of plan.subtopologies) {
    for (const node of nodes) {
      if (node.kind !== 'source') continue;
      const policy = node.offsetReset ?? config.autoOffsetReset;
      if (node.pattern !== undefined) byPattern.push({ pattern: node.pattern, policy });
      for (const planned of node.topics) {
        policies.set(names.resolve(planned), names.isRepartition(planned) ? 'earliest' : policy);
      }
    }
  }
  return (topic) =>
    policies.get(topic) ??
    byPattern.find(({ pattern }) => pattern.matches(topic))?.policy ??
    config.autoOffsetReset;
}

/** The topics that a task of this sub-topology writes, as far as they are known before a record is. */
function outputTopics({ names, config }: InstanceContext, subtopology: Subtopology): string[] {
  const sinks = subtopology.sinkTopics.map((planned) => names.resolve(planned));
  const changelogs = subtopology.stores
    .filter(({ changelog }) => changelog !== null && changelog.sourceTopic === undefined)
    .map(({ name }) => changelogTopicName(config.applicationId, name));
  return [...sinks, ...changelogs];
}
