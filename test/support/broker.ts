import { randomUUID } from 'node:crypto';
import { Kafka, KafkaJSBrokerNotFound, logLevel, type Admin } from 'kafkajs';
import { until } from './until.ts';

/** Set by the global setup of the integration project. */
export const TEST_BROKERS = 'MILLRACE_TEST_BROKERS';

/** Bootstrap addresses of the broker that all integration tests of a run share. Do not stop, kill or pause it. */
export function sharedBrokers(): string[] {
  const addresses = process.env[TEST_BROKERS];
  if (addresses === undefined) {
    throw new Error(`${TEST_BROKERS} is not set: run this test in the jest project "integration"`);
  }
  return addresses.split(',');
}

/** A name for a topic, group or application that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

const LEADERS_DEADLINE_MS = 30_000;

export interface CreateTopicOptions {
  readonly topic?: string;
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
  readonly brokers?: readonly string[];
}

/** Creates a topic on the shared broker, of 1 partition and a unique name if nothing else is said. Resolves with its name. */
export async function createTopic(options: CreateTopicOptions = {}): Promise<string> {
  const { topic = uniqueName('topic'), partitions = 1, configs = {} } = options;
  const kafka = new Kafka({
    brokers: [...(options.brokers ?? sharedBrokers())],
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    // kafkajs gives up on a broker that has not heard of the topic yet, as one of several may be.
    const request = {
      topics: [{ topic, numPartitions: partitions, configEntries }],
      waitForLeaders: false,
    };
    await until(
      `the creation of ${topic}`,
      () => admin.createTopics(request).then(() => true, hasNoController),
      LEADERS_DEADLINE_MS,
    );
    await until(`leaders of ${topic}`, () => hasLeaders(admin, topic), LEADERS_DEADLINE_MS);
  } finally {
    await admin.disconnect();
  }
  return topic;
}

/** Just after its start a broker may not know the controller yet; false, to try again. Any other error is thrown. */
function hasNoController(error: unknown): false {
  if (error instanceof KafkaJSBrokerNotFound) return false;
  throw error;
}

async function hasLeaders(admin: Admin, topic: string): Promise<boolean> {
  const known = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
  const partitions = known?.topics[0]?.partitions ?? [];
  return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
}
