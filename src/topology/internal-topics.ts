import type { StoreBuilder, StoreKind } from '../state/store-builder.ts';
import type { RepartitionTopic, TopologyPlan } from './topology-plan.ts';

export type TopicConfig = Readonly<Record<string, string>>;

/** A topic that the group's leader makes. */
export interface InternalTopic {
  /** With the application id. */
  readonly name: string;
  readonly kind: 'repartition' | 'changelog';
  /** The sub-topology that reads it. */
  readonly subtopology: number;
  /** Null: decided by others (of a repartition topic, what feeds it; of a changelog, the number of tasks). */
  readonly partitions: number | null;
  readonly config: TopicConfig;
}

export interface InternalTopicOptions {
  readonly applicationId: string;
  /** `topicConfig` of the application: over the defaults, under what a store says itself. */
  readonly topicConfig?: TopicConfig;
  /** How much longer than the store its windowed changelog keeps a window (`windowstoreChangelogAdditionalRetentionMs`). */
  readonly additionalRetentionMs?: number;
}

const DAY_MS = 86_400_000;

/** Of every internal topic. Kafka 4 refuses timestamps more than an hour ahead of the broker's clock unless told not to. */
const DEFAULTS: TopicConfig = {
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.after.max.ms': '9223372036854775807',
};

/** Of the stores whose rows expire. A join never writes a key twice, so there is nothing to compact. */
const CLEANUP: Partial<Record<StoreKind, string>> = {
  window: 'compact,delete',
  session: 'compact,delete',
  join: 'delete',
};

const REPARTITION: TopicConfig = {
  ...DEFAULTS,
  'cleanup.policy': 'delete',
  'segment.bytes': '52428800',
  'retention.ms': '-1',
};

export function repartitionTopicName(applicationId: string, name: string): string {
  return `${applicationId}-${name}`;
}

export function changelogTopicName(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`;
}

/** What a store is restored from: a topic of its own, or the source topic that stands for it. */
export function changelogTopicOf(
  applicationId: string,
  { name, changelog }: Pick<StoreBuilder, 'name' | 'changelog'>,
): string {
  return changelog?.sourceTopic ?? changelogTopicName(applicationId, name);
}

/**
 * Every topic that a plan needs beyond the user's own, with Kafka Streams' names and configs. Defaults give way to the
 * application's `topicConfig`, and that to a store's `logging.config`.
 *
 * Source: parity P28-P30; `RepartitionTopicConfig`, `WindowedChangelogTopicConfig`.
 */
export function internalTopics(plan: TopologyPlan, options: InternalTopicOptions): InternalTopic[] {
  return plan.subtopologies.flatMap(({ id, sourceTopics, stores }) => [
    ...plan.repartitionTopics
      .filter(({ name }) => sourceTopics.includes(name))
      .map((topic) => repartitionTopic(topic, id, options)),
    ...stores.flatMap((store) => changelogTopic(store, id, options)),
  ]);
}

function repartitionTopic(
  { name, partitions }: RepartitionTopic,
  subtopology: number,
  { applicationId, topicConfig }: InternalTopicOptions,
): InternalTopic {
  return {
    name: repartitionTopicName(applicationId, name),
    kind: 'repartition',
    subtopology,
    partitions,
    config: { ...REPARTITION, ...topicConfig },
  };
}

function changelogTopic(
  { name, kind, changelog, retentionMs }: StoreBuilder,
  subtopology: number,
  { applicationId, topicConfig, additionalRetentionMs = DAY_MS }: InternalTopicOptions,
): InternalTopic[] {
  if (changelog === null || changelog.sourceTopic !== undefined) return [];
  const policy = CLEANUP[kind] ?? 'compact';
  const ofStore =
    policy !== 'compact'
      ? // As Kafka Streams, a retention in the application's `topicConfig` does not reach windowed changelogs.
        { 'retention.ms': String((retentionMs ?? 0) + additionalRetentionMs), ...changelog.config }
      : kind === 'versioned'
        ? { 'min.compaction.lag.ms': String((retentionMs ?? 0) + DAY_MS), ...changelog.config }
        : changelog.config;
  return [
    {
      name: changelogTopicName(applicationId, name),
      kind: 'changelog',
      subtopology,
      partitions: null,
      config: {
        ...DEFAULTS,
        'cleanup.policy': policy,
        ...topicConfig,
        ...ofStore,
      },
    },
  ];
}
