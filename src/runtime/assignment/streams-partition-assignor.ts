import type {
  GroupMemberSubscription,
  MemberAssignment,
  PartitionAssignor,
} from '../../client/group-member.ts';
import { isStreamsError, type StreamsError } from '../../common/errors.ts';
import { TaskId } from '../../common/task-id.ts';
import type { TopicPartition } from '../../common/topic-partition.ts';
import type { Logger } from '../../observability/logger.ts';
import type { InternalTopic } from '../../topology/internal-topics.ts';
import type { TopologyPlan } from '../../topology/topology-plan.ts';
import type { RequiredTopic } from '../internal-topic-manager.ts';
import type { SubscribedPlan } from '../subscribed-plan.ts';
import { resolvePartitionCounts, taskCount } from './partition-counts.ts';
import {
  decodeSubscriptionInfo,
  encodeAssignmentInfo,
  encodeSubscriptionInfo,
  type AssignmentError,
  type SubscriptionInfo,
} from './subscription-info.ts';
import { assignTasks } from './task-assignor.ts';

/** What the assignor asks of the cluster and of this instance. */
export interface AssignorEnvironment {
  /** Partition counts of the user's topics that exist. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Whether the application has committed an offset for any of these, since it was last reset. */
  hasCommitted(partitions: readonly TopicPartition[]): Promise<boolean>;
  makeReady(topics: readonly RequiredTopic[]): Promise<void>;
  ownedTasks(): readonly TaskId[];
  /** Tasks with state on disk, with the sum of their changelog positions. */
  storedTasks(): Promise<ReadonlyMap<string, number>>;
  /** Why this instance asks all others to stop, if it does. */
  shutdownRequest(): StreamsError | null;
}

export interface StreamsPartitionAssignorOptions {
  readonly subscribed: SubscribedPlan;
  readonly fingerprint: string;
  readonly processId: string;
  /** The name of a topic of the plan on the broker: repartition topics gain the application id. */
  readonly topicName: (planName: string) => string;
  /** Of the plan, with the application's configs. */
  readonly internalTopics: readonly InternalTopic[];
  readonly environment: AssignorEnvironment;
  readonly logger: Logger;
}

/**
 * Makes the assignment of the group, on its leader: checks source topics, makes internal ones, spreads tasks.
 *
 * What stops the whole application (a topic that is missing or has the wrong partition count, a member that asked for it)
 * is sent to every member as its assignment, so that each fails with the same error rather than the leader alone. Members
 * with another topology than the one that runs get an error and no tasks.
 *
 * Source: `org.apache.kafka.streams.processor.internals.StreamsPartitionAssignor`. Differs: user data is our own (JSON).
 */
export class StreamsPartitionAssignor implements PartitionAssignor {
  readonly #options: StreamsPartitionAssignorOptions;

  constructor(options: StreamsPartitionAssignorOptions) {
    this.#options = options;
  }

  topics(): readonly string[] {
    const { subscribed, topicName } = this.#options;
    const names = subscribed.plan.subtopologies.flatMap(({ sourceTopics }) =>
      sourceTopics.map(topicName),
    );
    return [...new Set(names)].sort();
  }

  async subscriptionUserData(): Promise<Uint8Array> {
    const { subscribed, processId, fingerprint, environment } = this.#options;
    await subscribed.refresh();
    return encodeSubscriptionInfo({
      processId,
      topology: fingerprint,
      ownedTasks: environment.ownedTasks().map(String),
      storedTasks: Object.fromEntries(await environment.storedTasks()),
      shutdown: environment.shutdownRequest()?.message ?? null,
    });
  }

  ownedPartitions(): readonly TopicPartition[] {
    const { subscribed, environment, topicName } = this.#options;
    return environment.ownedTasks().flatMap(({ subtopology, partition }) => {
      const topics = sourceTopicsOf(subscribed.plan, subtopology);
      return topics.map((topic) => ({ topic: topicName(topic), partition }));
    });
  }

  async assign(
    subscriptions: readonly GroupMemberSubscription[],
  ): Promise<ReadonlyMap<string, MemberAssignment>> {
    const members = subscriptions.map((subscription) => ({
      ...subscription,
      info: decodeSubscriptionInfo(subscription.userData, subscription.memberId),
    }));
    const ids = members.map(({ memberId }) => memberId);
    const shutdown = members.find(({ info }) => info.shutdown !== null)?.info.shutdown;
    if (shutdown != null) return refuseAll(ids, { code: 'STREAMS_STOPPED', message: shutdown });

    const incumbent = incumbentTopology(members.map(({ info }) => info));
    const [accepted, strangers] = partition(members, ({ info }) => info.topology === incumbent);
    try {
      const counts = await this.#prepareTopics();
      const tasks = this.#tasks(counts);
      const assignment = assignTasks(
        tasks,
        accepted.map(({ memberId, generationId, info }) => ({
          id: memberId,
          generationId,
          ownedTasks: info.ownedTasks,
          storedTasks: new Map(Object.entries(info.storedTasks)),
        })),
      );
      this.#log(assignment);
      const assigned = [...assignment].map(
        ([id, list]) => [id, this.#assignmentOf(list, counts)] as const,
      );
      const refused = refuseAll(
        strangers.map(({ memberId }) => memberId),
        otherTopology(incumbent),
      );
      return new Map([...assigned, ...refused]);
    } catch (error) {
      if (!isStreamsError(error) || error.recovery !== 'stop') throw error;
      return refuseAll(ids, { code: error.code, message: error.message });
    }
  }

  async #prepareTopics(): Promise<ReadonlyMap<string, number>> {
    const { subscribed, internalTopics, environment, topicName } = this.#options;
    await subscribed.refresh();
    const { plan } = subscribed;
    const repartitions = new Set(plan.repartitionTopics.map(({ name }) => name));
    const userTopics = plan.subtopologies
      .flatMap(({ sourceTopics }) => sourceTopics)
      .filter((topic) => !repartitions.has(topic));
    const counts = resolvePartitionCounts(plan, await environment.partitionCounts(userTopics));

    const required: RequiredTopic[] = [];
    for (const subtopology of plan.subtopologies) {
      const topics = internalTopics.filter((topic) => topic.subtopology === subtopology.id);
      if (topics.length === 0) continue;
      const sources = subtopology.sourceTopics.flatMap((topic) =>
        partitionsOf(topicName(topic), counts.get(topic) ?? 0),
      );
      const existedBefore = await environment.hasCommitted(sources);
      for (const { name, kind, config } of topics) {
        const partitions =
          kind === 'changelog'
            ? taskCount(subtopology, counts)
            : sources.filter(({ topic }) => topic === name).length;
        // Nothing feeds it while a pattern matches no topic: how many it needs will show then.
        if (partitions === 0) continue;
        required.push({ name, partitions, config, existedBefore });
      }
    }
    await environment.makeReady(required);
    return counts;
  }

  #tasks(counts: ReadonlyMap<string, number>): TaskId[] {
    return this.#options.subscribed.plan.subtopologies.flatMap((subtopology) =>
      Array.from(
        { length: taskCount(subtopology, counts) },
        (_, number) => new TaskId(subtopology.id, number),
      ),
    );
  }

  #assignmentOf(tasks: readonly TaskId[], counts: ReadonlyMap<string, number>): MemberAssignment {
    const { subscribed, topicName } = this.#options;
    const partitions = tasks.flatMap(({ subtopology, partition: number }) => {
      return sourceTopicsOf(subscribed.plan, subtopology)
        .filter((topic) => number < (counts.get(topic) ?? 0))
        .map((topic) => ({ topic: topicName(topic), partition: number }));
    });
    const userData = encodeAssignmentInfo({
      topology: this.#options.fingerprint,
      tasks: tasks.map(String),
      error: null,
    });
    return { partitions, userData };
  }

  #log(assignment: ReadonlyMap<string, readonly TaskId[]>): void {
    const tasks = Object.fromEntries([...assignment].map(([id, list]) => [id, list.map(String)]));
    this.#options.logger.info({ tasks }, 'tasks assigned');
  }
}

/** By id, not by index: global tables take numbers too, as in Kafka Streams. */
function sourceTopicsOf({ subtopologies }: TopologyPlan, id: number): readonly string[] {
  return subtopologies.find((subtopology) => subtopology.id === id)?.sourceTopics ?? [];
}

/** The topology of the members that run the most tasks, then of the most members: a newcomer does not take over. */
function incumbentTopology(infos: readonly SubscriptionInfo[]): string {
  const weights = new Map<string, number>();
  for (const { topology, ownedTasks } of infos) {
    // A running task outweighs any number of members without one.
    const weight = 1 + ownedTasks.length * (infos.length + 1);
    weights.set(topology, (weights.get(topology) ?? 0) + weight);
  }
  const ranked = [...weights].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return ranked[0]?.[0] ?? '';
}

function otherTopology(incumbent: string): AssignmentError {
  return {
    code: 'STREAMS_CONFIG',
    message:
      `this instance has another topology than the instances that are running (${incumbent}): stop them first, or give ` +
      'this one another applicationId',
  };
}

function refuseAll(
  memberIds: readonly string[],
  error: AssignmentError,
): ReadonlyMap<string, MemberAssignment> {
  const userData = encodeAssignmentInfo({ topology: '', tasks: [], error });
  return new Map(memberIds.map((id) => [id, { partitions: [], userData }]));
}

function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, number) => ({ topic, partition: number }));
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
