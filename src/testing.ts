export { startKafka } from './start-kafka.ts';
export type {
  BrokerSource,
  KafkaBroker,
  StartKafkaOptions,
  ToolResult,
} from './adapters/broker/kafka-broker.ts';
export type { KafkaTool } from './adapters/broker/kafka-tools.ts';
export {
  TopologyTestDriver,
  type Plannable,
  type TopologyTestDriverOptions,
} from './testing/topology-test-driver.ts';
export type { TestInputTopic } from './testing/test-input-topic.ts';
export type { TestOutputTopic } from './testing/test-output-topic.ts';
export type { InputTopicOptions, TestInputRecord, TestRecord } from './testing/test-record.ts';
export { EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.ts';
export type { BrokerSettings, EmulatedVersion } from './testing/broker/broker-settings.ts';
export type { BrokerEnvironment } from './testing/broker/broker-environment.ts';
export type { EmbeddedCluster } from './testing/broker/embedded-cluster.ts';
export type { Delay, Fault, FaultRule, Faults, ObservedRequest } from './testing/broker/faults.ts';
/** The APIs of Kafka's protocol, by which `Faults` tells requests apart. */
export * as kafkaApis from './wire/messages/index.ts';
