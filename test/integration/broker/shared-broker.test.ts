import { Kafka, logLevel } from 'kafkajs';
import { createTopic, sharedBrokers } from '../../support/broker.ts';

test('the broker of the run serves a client, and a test makes topics of its own on it', async () => {
  const topic = await createTopic({ partitions: 3, configs: { 'retention.ms': '-1' } });
  const admin = new Kafka({ brokers: sharedBrokers(), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  expect(topics[0]?.partitions).toHaveLength(3);
});
