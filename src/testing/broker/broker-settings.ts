/**
 * Which Kafka the broker behaves like. 3.9 has transaction protocol 1 only; 4.3 offers both and has `transaction.version`
 * finalized at 2.
 */
export type EmulatedVersion = '3.9' | '4.3';

/** Kafka's own server properties, as far as the embedded broker has them, in camel case. */
export interface BrokerSettings {
  readonly version: EmulatedVersion;
  /** Brokers of the cluster: leaders and coordinators are spread over them, and can move. */
  readonly nodes: number;
  readonly numPartitions: number;
  readonly autoCreateTopics: boolean;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly offsetsTopicPartitions: number;
  readonly offsetMetadataMaxBytes: number;
  readonly transactionMaxTimeoutMs: number;
  /** How long after its timeout an open transaction is aborted, at the latest. */
  readonly transactionCleanupIntervalMs: number;
}

/** As the launcher of real brokers sets them: quick groups and transactions, no topic by accident. */
export const DEFAULT_SETTINGS: BrokerSettings = {
  version: '4.3',
  nodes: 1,
  numPartitions: 1,
  autoCreateTopics: false,
  groupInitialRebalanceDelayMs: 0,
  groupMinSessionTimeoutMs: 1_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  offsetsTopicPartitions: 4,
  offsetMetadataMaxBytes: 4_096,
  transactionMaxTimeoutMs: 900_000,
  transactionCleanupIntervalMs: 500,
};
