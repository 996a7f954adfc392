import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../../src/testing.ts';
import { createTopic } from '../../support/broker.ts';
import { until } from '../../support/until.ts';

test('three nodes replicate: one may be killed and come back while acknowledged records stay', async () => {
  await using cluster = await startKafka({ source: 'own', nodes: 3 });
  expect(cluster.brokers).toHaveLength(3);
  const topic = await createTopic({ brokers: cluster.brokers, partitions: 3 });
  const kafka = new Kafka({
    brokers: [...cluster.brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, initialRetryTime: 50, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    const leaders = async (): Promise<number[]> => {
      // Any of the three may answer, also one that has not heard of the topic yet.
      const unknown = { topics: [] };
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => unknown);
      return topics.flatMap(({ partitions }) => partitions.map(({ leader }) => leader));
    };
    await until('a leader on each node', async () => new Set(await leaders()).size === 3, 10_000);

    await cluster.kill(2);
    const messages = Array.from({ length: 30 }, (_, index) => ({
      value: String(index),
      partition: index % 3,
    }));
    await producer.send({ topic, messages, acks: -1 });
    expect(await leaders()).not.toContain(2);

    await cluster.start(2);
    const offsets = await admin.fetchTopicOffsets(topic);
    expect(offsets.map(({ high }) => high)).toEqual(['10', '10', '10']);
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}, 120_000);
