import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import type { BrokerEnvironment } from './broker-environment.ts';
import type { BrokerSettings } from './broker-settings.ts';
import { PartitionLog } from './partition-log.ts';
import { TopicConfig } from './topic-config.ts';

export interface Topic {
  readonly name: string;
  /** 32 hex digits: a topic that is made again under its old name is another one. */
  readonly id: string;
  readonly config: TopicConfig;
  readonly partitions: PartitionLog[];
}

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: ReadonlyMap<string, string | null>;
}

const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const ID_PREFIX_DIGITS = 24;

/** The topics of the cluster, by name and by id. */
export class Topics {
  readonly #environment: BrokerEnvironment;
  readonly #settings: BrokerSettings;
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<string, Topic>();
  /** Told of each topic that is deleted. */
  readonly #onDelete: (name: string) => void;
  #count = 0;

  constructor(
    settings: BrokerSettings,
    environment: BrokerEnvironment,
    onDelete: (name: string) => void,
  ) {
    this.#settings = settings;
    this.#environment = environment;
    this.#onDelete = onDelete;
  }

  all(): readonly Topic[] {
    return [...this.#byName.values()];
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id);
  }

  log(topic: string, partition: number): PartitionLog | undefined {
    return this.#byName.get(topic)?.partitions[partition];
  }

  /** The error code that `create` would be refused with, NONE where it would not be. */
  checkNew({ name, partitions, replicationFactor, config }: NewTopic): number {
    if (!NAME.test(name) || name === '.' || name === '..') return ERROR.INVALID_TOPIC_EXCEPTION;
    if (this.#byName.has(name)) return ERROR.TOPIC_ALREADY_EXISTS;
    if (partitions === 0 || partitions < -1) return ERROR.INVALID_PARTITIONS;
    if (replicationFactor === 0 || replicationFactor < -1) return ERROR.INVALID_REPLICATION_FACTOR;
    if (replicationFactor > this.#settings.nodes) return ERROR.INVALID_REPLICATION_FACTOR;
    for (const [key, value] of config) {
      const errorCode = TopicConfig.check(key, value);
      if (errorCode !== ERROR.NONE) return errorCode;
    }
    return ERROR.NONE;
  }

  /** `checkNew` comes first. */
  create({ name, partitions, config }: NewTopic): Topic {
    const set = new Map<string, string>();
    for (const [key, value] of config) if (value !== null) set.set(key, value);
    const topic: Topic = {
      name,
      id: this.#newId(),
      config: new TopicConfig(set, this.#settings.version),
      partitions: [],
    };
    this.#byName.set(name, topic);
    this.#byId.set(topic.id, topic);
    this.grow(topic, partitions === -1 ? this.#settings.numPartitions : partitions);
    return topic;
  }

  /** Adds partitions up to a count. */
  grow(topic: Topic, count: number): void {
    for (let partition = topic.partitions.length; partition < count; partition++) {
      const leader = 1 + ((this.#count + partition) % this.#settings.nodes);
      topic.partitions.push(
        new PartitionLog(topic.name, partition, leader, topic.config, this.#environment),
      );
    }
  }

  delete(topic: Topic): void {
    this.#byName.delete(topic.name);
    this.#byId.delete(topic.id);
    for (const log of topic.partitions) log.close();
    this.#onDelete(topic.name);
  }

  /** A count makes ids differ whatever the source of chance says. */
  #newId(): string {
    this.#count++;
    const hex = this.#environment.random.uuid().replaceAll('-', '');
    const count = this.#count.toString(16).padStart(32 - ID_PREFIX_DIGITS, '0');
    return hex.slice(0, ID_PREFIX_DIGITS) + count;
  }
}
