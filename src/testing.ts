export { startKafka } from './adapters/broker/start-kafka.ts';
export type {
  BrokerSource,
  KafkaBroker,
  StartKafkaOptions,
  ToolResult,
} from './adapters/broker/kafka-broker.ts';
export type { KafkaTool } from './adapters/broker/kafka-tools.ts';
export {
  MockFixedKeyProcessorContext,
  MockProcessorContext,
} from './testing/mock-processor-context.ts';
export type { MockRecordContext } from './testing/mock-processor-context.ts';
export type { Forwarded, MockContextOptions, ScheduledPunctuator } from './testing/mock-task.ts';
export {
  TopologyTestDriver,
  type DriverStoreOptions,
  type Plannable,
  type TopologyTestDriverOptions,
} from './testing/topology-test-driver.ts';
export type { TestInputTopic } from './testing/test-input-topic.ts';
export type { TestOutputTopic } from './testing/test-output-topic.ts';
export type {
  InputTopicOptions,
  OutputTopicOptions,
  TestInputRecord,
  TestRecord,
} from './testing/test-record.ts';
export type { PartitionsOption } from './testing/topic-layout.ts';
