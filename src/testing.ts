import { LevelStateDirectory } from './adapters/level/level-state-directory.ts';
import { systemRandom } from './adapters/node/clock.ts';
import { MetricsRegistry } from './observability/metrics-registry.ts';
import { SILENT_LOGGER } from './observability/logger.ts';
import {
  TopologyTestDriver as Driver,
  type Plannable,
  type TopologyTestDriverOptions as DriverOptions,
} from './testing/topology-test-driver.ts';

export { startKafka } from './start-kafka.ts';
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
export type { DriverStoreOptions, Plannable } from './testing/topology-test-driver.ts';
export type { TestInputTopic } from './testing/test-input-topic.ts';
export type { TestOutputTopic } from './testing/test-output-topic.ts';
export type {
  InputTopicOptions,
  OutputTopicOptions,
  TestInputRecord,
  TestRecord,
} from './testing/test-record.ts';
export type { PartitionsOption } from './testing/topic-layout.ts';
export { EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.ts';
export type { BrokerSettings, EmulatedVersion } from './testing/broker/broker-settings.ts';
export type { BrokerEnvironment } from './testing/broker/broker-environment.ts';
export type { EmbeddedCluster } from './testing/broker/embedded-cluster.ts';
export type { Delay, Fault, FaultRule, Faults, ObservedRequest } from './testing/broker/faults.ts';
/** The APIs of Kafka's protocol, by which `Faults` tells requests apart. */
export * as kafkaApis from './wire/messages/index.ts';

/** The driver's options, and where its stores are. */
export interface TopologyTestDriverOptions extends Omit<DriverOptions, 'stateDirectory'> {
  /**
   * A folder for the stores, in LevelDB as in production: a driver that is created on it later finds what was committed.
   * Left out, they live in memory, which is faster.
   */
  readonly stateDir?: string;
}

export type TopologyTestDriver = Driver;

/** Makes drivers; `TopologyTestDriver` as a type says what they do. */
export const TopologyTestDriver = {
  /**
   * Errors: `STREAMS_CONFIG` of the config, `STREAMS_TOPOLOGY` of the topology, `STREAMS_STATE_LOCKED` where another
   * driver is open on the folder; those of the processors' constructors.
   */
  async create(
    topology: Plannable,
    { stateDir, ...options }: TopologyTestDriverOptions = {},
  ): Promise<TopologyTestDriver> {
    if (stateDir === undefined) return Driver.create(topology, options);
    const { applicationId = 'test', logger = SILENT_LOGGER } = options.config ?? {};
    const stateDirectory = await LevelStateDirectory.open({
      stateDir,
      applicationId,
      logger,
      random: systemRandom,
      metrics: new MetricsRegistry(),
      ...LEVEL,
    });
    try {
      return await Driver.create(topology, { ...options, stateDirectory });
    } catch (error) {
      await stateDirectory.close();
      throw error;
    }
  },
} as const;

/** A test has few databases; theirs are small. */
const LEVEL = { levelMemoryMaxBytes: 4 * 1024 * 1024, levelMaxOpenFiles: 1000 } as const;
