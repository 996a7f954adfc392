export { startKafka } from './adapters/broker/start-kafka.ts';
export type {
  BrokerSource,
  KafkaBroker,
  StartKafkaOptions,
  ToolResult,
} from './adapters/broker/kafka-broker.ts';
export type { KafkaTool } from './adapters/broker/kafka-tools.ts';
