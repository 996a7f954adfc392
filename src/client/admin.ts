import { StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import { createTopics } from '../wire/messages/create-topics.ts';
import { deleteRecords } from '../wire/messages/delete-records.ts';
import { deleteTopics } from '../wire/messages/delete-topics.ts';
import { describeConfigs } from '../wire/messages/describe-configs.ts';
import {
  describeGroups,
  type DescribeGroupsResponseDescribedGroup,
} from '../wire/messages/describe-groups.ts';
import { metadata } from '../wire/messages/metadata.ts';
import { ZERO_UUID } from '../wire/uuid.ts';
import { brokerError, coordinatorMoved, leaderMoved } from './broker-errors.ts';
import { byTopic } from './by-topic.ts';
import type { TopicInfo } from './cluster-metadata.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { KafkaClient } from './kafka-client.ts';
import {
  fetchOffsets,
  leadersOf,
  type Isolation,
  type ListedOffset,
  type OffsetSpec,
} from './list-offsets.ts';

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface PartitionPosition extends TopicPartition {
  readonly offset: number;
}

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
const FIRST_BY_ID = 6;

/** Looks after topics, offsets and groups. Every call retries until the client's `apiTimeoutMs`. */
export class Admin {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** Asks the cluster, whatever is cached; undefined for a topic that does not exist. */
  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    return this.#client.retrying('describing topics', () =>
      this.#client.topics(names, { refresh: true }),
    );
  }

  /** Names of all topics that this client may see, but for the broker's own, such as `__consumer_offsets`. */
  listTopics(): Promise<readonly string[]> {
    return this.#client.retrying('listing topics', async () => {
      const { response } = await this.#client.send({ any: true }, 'admin', metadata, {
        topics: null,
        allowAutoTopicCreation: false,
      });
      return response.topics.flatMap(({ name, isInternal }) =>
        name === null || isInternal ? [] : [name],
      );
    });
  }

  /**
   * Creates topics and waits until every broker knows them and their partitions have leaders. One that exists is left as it is.
   *
   * Errors: `STREAMS_CONFIG` for a name, partition count, replication factor or config that the broker does not take,
   * `STREAMS_AUTHORIZATION`, `STREAMS_CLIENT` when it takes too long.
   */
  async createTopics(
    topics: readonly NewTopic[],
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Map<string, 'created' | 'exists'>> {
    const outcome = new Map<string, 'created' | 'exists'>();
    await this.#client.retrying(
      'creating topics',
      async () => {
        const open = topics.filter(({ name }) => !outcome.has(name));
        if (open.length === 0) return;
        const { response } = await this.#client.send(
          { any: true },
          'admin',
          createTopics,
          { topics: open.map(requestTopic), timeoutMs },
          { waitMs: timeoutMs },
        );
        for (const { name, errorCode, errorMessage } of response.topics) {
          if (errorCode === ERROR.NONE) outcome.set(name, 'created');
          else if (errorCode === ERROR.TOPIC_ALREADY_EXISTS) outcome.set(name, 'exists');
          else throw refusedTopic(name, errorCode, errorMessage);
        }
      },
      { deadlineMs: timeoutMs },
    );
    await this.#waitUntilKnown([...outcome.keys()], timeoutMs);
    return outcome;
  }

  /**
   * Configs by topic; a value is null where the broker keeps it secret. Missing topics are `STREAMS_TOPIC_MISSING`. With
   * `ifAllowed`, topics whose configs this principal may not see are left out.
   */
  describeConfigs(
    topics: readonly string[],
    { ifAllowed = false }: { readonly ifAllowed?: boolean } = {},
  ): Promise<Map<string, ReadonlyMap<string, string | null>>> {
    const resources = topics.map((name) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName: name,
      configurationKeys: null,
    }));
    return this.#client.retrying('describing topic configs', async () => {
      const { response } = await this.#client.send({ any: true }, 'admin', describeConfigs, {
        resources,
      });
      const result = new Map<string, ReadonlyMap<string, string | null>>();
      for (const { errorCode, errorMessage, resourceName, configs } of response.results) {
        if (errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION) throw missingTopic(resourceName);
        if (errorCode === ERROR.TOPIC_AUTHORIZATION_FAILED && ifAllowed) continue;
        if (errorCode !== ERROR.NONE) {
          const site = { topic: resourceName };
          throw brokerError(errorCode, { api: describeConfigs.name, site, detail: errorMessage });
        }
        result.set(resourceName, new Map(configs.map(({ name, value }) => [name, value])));
      }
      return result;
    });
  }

  /** Numeric configs of the brokers, the smallest of all of them; a name that no broker has is left out. */
  brokerConfig(names: readonly string[]): Promise<Map<string, number>> {
    return this.#client.retrying('describing broker configs', async () => {
      const smallest = new Map<string, number>();
      for (const node of this.#client.nodes) {
        const { response } = await this.#client.send({ node }, 'admin', describeConfigs, {
          resources: [
            {
              resourceType: BROKER_RESOURCE,
              resourceName: String(node),
              configurationKeys: [...names],
            },
          ],
        });
        for (const { errorCode, errorMessage, configs } of response.results) {
          if (errorCode !== ERROR.NONE) {
            throw brokerError(errorCode, { api: describeConfigs.name, detail: errorMessage });
          }
          for (const { name, value } of configs) {
            const number = value === null ? Number.NaN : Number(value);
            if (!Number.isNaN(number)) {
              smallest.set(name, Math.min(number, smallest.get(name) ?? number));
            }
          }
        }
      }
      return smallest;
    });
  }

  /** See `fetchOffsets`. The end to restore to is `latest` under read_uncommitted, the high watermark. */
  listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    isolation: Isolation,
    signal?: AbortSignal,
  ): Promise<Map<string, ListedOffset>> {
    return fetchOffsets(this.#client, partitions, spec, isolation, signal);
  }

  /**
   * Deletes what lies before these offsets, for good: the broker does so even inside an open transaction and below offsets
   * that no group has committed. So never pass more than what was certainly committed.
   *
   * Resolves with what could not be deleted, by partition: an offset above the high watermark, a topic that is compacted
   * only, a missing permission. Purging is done again anyway, with newer offsets.
   */
  async deleteRecords(before: readonly PartitionPosition[]): Promise<Map<string, StreamsError>> {
    const refused = new Map<string, StreamsError>();
    const byNode = await leadersOf(this.#client, before);
    for (const [node, ofNode] of byNode) {
      const timeoutMs = this.#client.requestTimeoutMs;
      const topics = [...byTopic(ofNode)].map(([name, partitions]) => ({
        name,
        partitions: partitions.map(({ partition, offset }) => ({
          partitionIndex: partition,
          offset,
        })),
      }));
      const { response } = await this.#client
        .send({ node }, 'admin', deleteRecords, { timeoutMs, topics })
        .catch((error: unknown) => {
          for (const { name } of topics) this.#client.forgetTopic(name);
          throw error;
        });
      for (const { name: topic, partitions } of response.topics) {
        for (const { partitionIndex: partition, errorCode } of partitions) {
          if (errorCode === ERROR.NONE) continue;
          if (leaderMoved(errorCode)) this.#client.forgetTopic(topic);
          refused.set(
            partitionKey(topic, partition),
            brokerError(errorCode, { api: deleteRecords.name, site: { topic, partition } }),
          );
        }
      }
    }
    return refused;
  }

  /** Deletes topics, with their records and every group's offsets of them. One that does not exist is no error. */
  async deleteTopics(names: readonly string[]): Promise<void> {
    const timeoutMs = this.#client.requestTimeoutMs;
    await this.#client.retrying('deleting topics', async () => {
      const { response } = await this.#client.send(
        { any: true },
        'admin',
        deleteTopics,
        (version) =>
          version >= FIRST_BY_ID
            ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs }
            : { topicNames: names, timeoutMs },
        { waitMs: timeoutMs },
      );
      for (const { name, errorCode, errorMessage } of response.responses) {
        if (errorCode === ERROR.NONE || errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION) continue;
        const site = { topic: name ?? '' };
        throw brokerError(errorCode, { api: deleteTopics.name, site, detail: errorMessage });
      }
    });
    for (const name of names) this.#client.forgetTopic(name);
  }

  /** State, protocol and members of a group; `Dead` for one that does not exist. */
  describeGroup(groupId: string): Promise<DescribeGroupsResponseDescribedGroup> {
    return this.#client.retrying('describing a group', async () => {
      const target = { coordinator: 'group', key: groupId } as const;
      const { response } = await this.#client.send(target, 'admin', describeGroups, {
        groups: [groupId],
      });
      const [group] = response.groups;
      const errorCode = group?.errorCode ?? ERROR.COORDINATOR_NOT_AVAILABLE;
      if (
        group !== undefined &&
        (errorCode === ERROR.NONE || errorCode === ERROR.GROUP_ID_NOT_FOUND)
      ) {
        return group;
      }
      if (coordinatorMoved(errorCode)) this.#client.forgetCoordinator('group', groupId);
      throw brokerError(errorCode, { api: describeGroups.name, detail: `group ${groupId}` });
    });
  }

  /** A new topic reaches one broker after the other. */
  async #waitUntilKnown(names: readonly string[], timeoutMs: number): Promise<void> {
    const request = { topics: names.map((name) => ({ name })), allowAutoTopicCreation: false };
    await this.#client.retrying(
      'waiting for new topics',
      async () => {
        for (const node of this.#client.nodes) {
          const { response } = await this.#client.send({ node }, 'admin', metadata, request);
          for (const { name, errorCode, partitions } of response.topics) {
            const isReady = partitions.every(({ leaderId }) => leaderId >= 0);
            if (errorCode === ERROR.NONE && isReady) continue;
            const site = { topic: name ?? '' };
            const code = errorCode === ERROR.NONE ? ERROR.LEADER_NOT_AVAILABLE : errorCode;
            throw brokerError(code, { api: metadata.name, site });
          }
        }
      },
      { deadlineMs: timeoutMs, backoff: { firstMs: 5, maxMs: 100 } },
    );
    await this.#client.topics(names, { refresh: true });
  }
}

function requestTopic({ name, partitions, replicationFactor, config }: NewTopic): {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: [];
  readonly configs: { readonly name: string; readonly value: string }[];
} {
  return {
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
  };
}

function refusedTopic(topic: string, errorCode: number, detail: string | null): StreamsError {
  if (errorCode !== ERROR.INVALID_TOPIC_EXCEPTION) {
    return brokerError(errorCode, { api: createTopics.name, site: { topic }, detail });
  }
  return new StreamsError(
    'STREAMS_CONFIG',
    `the broker does not take this topic name${detail === null ? '' : `: ${detail}`}`,
    { site: { topic } },
  );
}

function missingTopic(topic: string): StreamsError {
  return new StreamsError('STREAMS_TOPIC_MISSING', 'the topic does not exist', { site: { topic } });
}
