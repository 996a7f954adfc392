import type { Clock } from '../common/clock.ts';
import { metadata, type MetadataResponse } from '../wire/messages/metadata.ts';
import { ZERO_UUID } from '../wire/uuid.ts';

/** The id of a topic where the broker has no ids (before Kafka 2.8). */
export const NO_TOPIC_ID = ZERO_UUID;
import type { Answer } from './broker-connection.ts';
import { brokerError, leaderMoved } from './broker-errors.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { BrokerAddress } from './transport.ts';

export interface PartitionInfo {
  readonly partition: number;
  /** Node id; -1 while there is none. */
  readonly leader: number;
  /** -1 where the broker does not say. */
  readonly leaderEpoch: number;
}

export interface TopicInfo {
  readonly name: string;
  /** 32 hex digits; all zero where the broker has no topic ids (before 2.8). */
  readonly topicId: string;
  readonly partitionCount: number;
  /** By partition number. */
  readonly partitions: readonly PartitionInfo[];
}

export interface ClusterMetadataOptions {
  readonly clock: Clock;
  readonly maxAgeMs: number;
  /** Sends a Metadata request to any broker. */
  readonly request: (topics: readonly string[]) => Promise<Answer<MetadataResponse>>;
}

interface CachedTopic {
  readonly info: TopicInfo;
  readonly readAtMs: number;
  isStale: boolean;
}

const FIRST_WITH_IDS = 10;

/** What the client knows of the cluster: its brokers, and the topics that somebody has asked for. */
export class ClusterMetadata {
  clusterId = '';
  readonly #options: ClusterMetadataOptions;
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, CachedTopic>();
  /** Requests under way, by their topics: who asks for the same meanwhile gets the same answer. */
  readonly #loading = new Map<string, Promise<ReadonlyMap<string, TopicInfo | undefined>>>();

  constructor(options: ClusterMetadataOptions) {
    this.#options = options;
  }

  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers;
  }

  /** What is known now, however old. */
  cached(topic: string): TopicInfo | undefined {
    return this.#topics.get(topic)?.info;
  }

  /** Whether the cached answer can be used without asking again. */
  isFresh(topic: string): boolean {
    const cached = this.#topics.get(topic);
    if (cached === undefined || cached.isStale) return false;
    return this.#options.clock.monotonicMs() - cached.readAtMs < this.#options.maxAgeMs;
  }

  /** What is known of a topic has proved wrong: the next who needs it asks again. */
  markStale(topic: string): void {
    const cached = this.#topics.get(topic);
    if (cached !== undefined) cached.isStale = true;
  }

  addBroker(nodeId: number, address: BrokerAddress): void {
    this.#brokers.set(nodeId, address);
  }

  /** Topics by name; undefined for one that does not exist. Never creates one. */
  async topics(
    names: readonly string[],
    refresh: boolean,
  ): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    const needed = names.filter((name) => refresh || !this.isFresh(name));
    const loaded = needed.length === 0 ? null : await this.#loadOnce(needed);
    return new Map(
      names.map((name) => [
        name,
        loaded?.has(name) === true ? loaded.get(name) : this.cached(name),
      ]),
    );
  }

  /** Reads the brokers alone. */
  async loadBrokers(): Promise<void> {
    await this.#loadOnce([]);
  }

  #loadOnce(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    const key = [...names].sort().join(' '); // no topic name has a space
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(names).finally(() => {
        this.#loading.delete(key);
      });
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #load(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    const { response, version } = await this.#options.request(names);
    return this.take(response, version);
  }

  /** Takes in an answer; the result has every topic of it. */
  take(response: MetadataResponse, version: number): ReadonlyMap<string, TopicInfo | undefined> {
    this.clusterId = response.clusterId ?? this.clusterId;
    if (response.brokers.length > 0) {
      this.#brokers.clear();
      for (const { nodeId, host, port } of response.brokers) this.addBroker(nodeId, { host, port });
    }
    const readAtMs = this.#options.clock.monotonicMs();
    const result = new Map<string, TopicInfo | undefined>();
    for (const topic of response.topics) {
      const name = topic.name ?? '';
      if (topic.errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION) {
        this.#topics.delete(name);
        result.set(name, undefined);
        continue;
      }
      // A topic that is being made has partitions without a leader; it exists all the same.
      if (topic.errorCode !== ERROR.NONE && !leaderMoved(topic.errorCode)) {
        throw brokerError(topic.errorCode, { api: metadata.name, site: { topic: name } });
      }
      const partitions = topic.partitions
        .map(({ partitionIndex, leaderId, leaderEpoch }) => ({
          partition: partitionIndex,
          leader: leaderId,
          leaderEpoch,
        }))
        .sort((a, b) => a.partition - b.partition);
      const topicId = version >= FIRST_WITH_IDS ? topic.topicId : ZERO_UUID;
      const info = { name, topicId, partitionCount: partitions.length, partitions };
      this.#topics.set(name, { info, readAtMs, isStale: false });
      result.set(name, info);
    }
    return result;
  }
}
