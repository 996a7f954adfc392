import type { Admin } from '../client/admin.ts';
import { StreamsError } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';

/** An internal topic with its partition count: for a repartition, or a store's changelog. */
export interface RequiredTopic {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
  /**
   * True where the group has committed offsets of the sub-topology that uses it: then the topic existed once, and to make
   * it again, empty, would pass off lost data as a fresh start.
   */
  readonly existedBefore: boolean;
}

export interface InternalTopicManagerOptions {
  readonly admin: Admin;
  readonly logger: Logger;
  readonly replicationFactor: number;
  /** `createMissingInternalTopics`. */
  readonly createMissing: boolean;
  readonly timeoutMs: number;
}

/**
 * Makes the internal topics that are missing and checks those that exist. Run by the leader of the group before it
 * assigns tasks, so every member finds them.
 *
 * Errors: `STREAMS_TOPIC_MISSING` for a topic that must not be made again, `STREAMS_INTERNAL_TOPIC_CONFIG` for one whose
 * partition count or cleanup policy is not what the topology needs.
 * Source: `org.apache.kafka.streams.processor.internals.InternalTopicManager`.
 */
export class InternalTopicManager {
  readonly #options: InternalTopicManagerOptions;

  constructor(options: InternalTopicManagerOptions) {
    this.#options = options;
  }

  async makeReady(topics: readonly RequiredTopic[]): Promise<void> {
    if (topics.length === 0) return;
    const { admin, logger, replicationFactor, timeoutMs } = this.#options;

    const existing = await admin.describeTopics(topics.map(({ name }) => name));
    const missing = topics.filter(({ name }) => existing.get(name) === undefined);
    for (const topic of missing) this.#checkMayCreate(topic);
    if (missing.length > 0) {
      await admin.createTopics(
        missing.map(({ name, partitions, config }) => ({
          name,
          partitions,
          replicationFactor,
          config,
        })),
        { timeoutMs },
      );
      logger.info({ topics: missing.map(({ name }) => name) }, 'internal topics created');
    }

    const present = topics.filter((topic) => !missing.includes(topic));
    for (const topic of present) {
      checkPartitions(topic, existing.get(topic.name)?.partitionCount ?? topic.partitions);
    }
    await this.#checkCleanupPolicies(present);
  }

  #checkMayCreate({ name, existedBefore }: RequiredTopic): void {
    if (!existedBefore || this.#options.createMissing) return;
    throw new StreamsError(
      'STREAMS_TOPIC_MISSING',
      'this internal topic does not exist, though the application has run before: if its store or operator is new, ' +
        'start once with createMissingInternalTopics: true; if somebody deleted it, its data is lost: reset the ' +
        'application (kafka-streams-application-reset) to build it again from the input',
      { site: { topic: name } },
    );
  }

  async #checkCleanupPolicies(topics: readonly RequiredTopic[]): Promise<void> {
    if (topics.length === 0) return;
    const configs = await this.#options.admin.describeConfigs(topics.map(({ name }) => name));
    for (const { name, config } of topics) {
      const expected = policies(config['cleanup.policy'] ?? 'delete');
      const actual = policies(configs.get(name)?.get('cleanup.policy') ?? 'delete');
      if (expected === actual) continue;
      throw new StreamsError(
        'STREAMS_INTERNAL_TOPIC_CONFIG',
        `cleanup.policy is '${actual}' but this application needs '${expected}': set it with kafka-configs, or delete the ` +
          'topic if nothing in it is needed, and start again',
        { site: { topic: name } },
      );
    }
  }
}

function checkPartitions({ name, partitions }: RequiredTopic, actual: number): void {
  if (actual === partitions) return;
  throw new StreamsError(
    'STREAMS_INTERNAL_TOPIC_CONFIG',
    `the topic has ${actual} partitions but this topology needs ${partitions}: its input topics have changed their ` +
      'partition count, which moves keys between tasks; reset the application (kafka-streams-application-reset)',
    { site: { topic: name } },
  );
}

/** `delete,compact` and `compact, delete` are the same policy. */
function policies(text: string): string {
  return text
    .split(',')
    .map((policy) => policy.trim())
    .sort()
    .join(',');
}
