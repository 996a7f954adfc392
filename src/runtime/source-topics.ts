import type { Admin } from '../client/admin.ts';
import { NO_TOPIC_ID } from '../client/cluster-metadata.ts';
import type { Clock } from '../common/clock.ts';
import { StreamsError } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';

export interface SourceTopicsOptions {
  readonly admin: Pick<Admin, 'describeTopics'>;
  /** Of all sub-topologies, by the names the broker knows, as of the last assignment. */
  readonly names: () => readonly string[];
  /** Those of them that the application itself makes. */
  readonly internal: ReadonlySet<string>;
  /** Whether patterns match other topics than then: why a rebalance is needed, or null. */
  readonly patternChange: () => Promise<string | null>;
  readonly refreshIntervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface KnownTopic {
  readonly topicId: string;
  readonly partitionCount: number;
}

/**
 * The topics this application reads, as they were at the last assignment; looks from time to time whether one has got
 * more partitions since, or a pattern matches a new one, which the leader of the group has to judge (new tasks, or an
 * error where keys have moved).
 */
export class SourceTopics {
  readonly #options: SourceTopicsOptions;
  readonly #known = new Map<string, KnownTopic>();
  #refreshMs = 0;
  #refreshing = false;
  #change: string | null = null;

  constructor(options: SourceTopicsOptions) {
    this.#options = options;
  }

  /** Undefined where it is not known, and where the broker has no ids. */
  id(topic: string): string | undefined {
    const id = this.#known.get(topic)?.topicId;
    return id === NO_TOPIC_ID ? undefined : id;
  }

  /** Ids of the topics that are the user's: internal ones come and go with the application. */
  externalIds(): ReadonlyMap<string, string> {
    const ids = new Map<string, string>();
    for (const topic of this.#known.keys()) {
      const id = this.id(topic);
      if (id !== undefined && !this.#options.internal.has(topic)) ids.set(topic, id);
    }
    return ids;
  }

  /**
   * Errors: `STREAMS_TOPIC_RECREATED` for a topic that is another than this instance has read: its offsets say nothing
   * about the new one. A topic that is missing is for the leader to report.
   */
  async load(): Promise<void> {
    const { admin, clock, refreshIntervalMs } = this.#options;
    const names = this.#options.names();
    const topics = await admin.describeTopics(names);
    for (const name of this.#known.keys()) if (!names.includes(name)) this.#known.delete(name);
    for (const name of names) {
      const topic = topics.get(name);
      if (topic === undefined) continue;
      const { topicId, partitionCount } = topic;
      const before = this.#known.get(name);
      if (before !== undefined && before.topicId !== topicId) throw recreated(name);
      this.#known.set(name, { topicId, partitionCount });
    }
    this.#change = null;
    this.#refreshMs = clock.monotonicMs() + refreshIntervalMs;
  }

  /** Why a rebalance is needed, once; starts a look at the topics when it is time for one. */
  takeChange(): string | null {
    if (this.#options.clock.monotonicMs() >= this.#refreshMs && !this.#refreshing) {
      this.#refreshing = true;
      void this.#refresh().finally(() => {
        this.#refreshing = false;
      });
    }
    const change = this.#change;
    this.#change = null;
    return change;
  }

  async #refresh(): Promise<void> {
    const { admin, names, patternChange, clock, refreshIntervalMs, logger } = this.#options;
    this.#refreshMs = clock.monotonicMs() + refreshIntervalMs;
    try {
      const topics = await admin.describeTopics(names());
      for (const [name, { partitionCount }] of this.#known) {
        const now = topics.get(name)?.partitionCount ?? partitionCount;
        if (now !== partitionCount)
          this.#change = `${name} has ${now} partitions, not ${partitionCount}`;
      }
      this.#change ??= await patternChange();
    } catch (error) {
      logger.warn({ err: error }, 'the source topics could not be looked at');
    }
  }
}

function recreated(topic: string): StreamsError {
  return new StreamsError(
    'STREAMS_TOPIC_RECREATED',
    'this source topic was deleted and made again while the application ran: committed offsets and state belong to the old one. Reset the application (kafka-streams-application-reset) before it reads the new one',
    { site: { topic } },
  );
}
