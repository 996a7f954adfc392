import { Kafka, logLevel } from 'kafkajs';
import { KafkaStreams } from '../../../src/index.ts';
import { EmbeddedBroker } from '../../../src/testing.ts';
import { createTopic } from '../../support/broker.ts';
import { startCountingApp } from '../../support/child-app.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce } from '../../support/records.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

const KEYS = 5;
const PER_KEY = 60;
const TOTAL = KEYS * PER_KEY;

async function loaded(broker: EmbeddedBroker) {
  const { brokers } = broker;
  const input = await createTopic({ partitions: 2, brokers });
  const output = await createTopic({ brokers });
  await produce(input, countingInput(KEYS, PER_KEY), brokers);
  const reaches = (total: number): Promise<void> =>
    until(
      `${total} counts`,
      async () => totalOf(await readCounts(output, brokers)) >= total,
      30_000,
    );
  return { input, output, reaches };
}

describe.each(['4.3', '3.9'] as const)(
  'an application on an embedded broker like %s',
  (version) => {
    test('counts exactly once, though its process is killed at work', async () => {
      await using broker = await EmbeddedBroker.start({ version });
      await using folder = await tempFolder();
      const { input, output, reaches } = await loaded(broker);
      const start = () =>
        startCountingApp({
          topology: { input, output, delayMs: 2 },
          config: {
            applicationId: 'counts',
            brokers: broker.brokers,
            processingGuarantee: 'exactly_once_v2',
            stateDir: folder.path,
            sessionTimeoutMs: 1_500,
            heartbeatIntervalMs: 300,
            transactionTimeoutMs: 2_000,
          },
        });
      {
        await using app = await start();
        await reaches(TOTAL / 4);
        await app.kill('SIGKILL');
      }
      await using last = await start();
      await reaches(TOTAL);
      expect(await readCounts(output, broker.brokers)).toEqual(exactCounts(KEYS, PER_KEY));
      expect(last.states).toEqual(['REBALANCING', 'RUNNING']);
    });
  },
);

test('an application whose client crashes hands its tasks to the other instance, with nothing lost or doubled', async () => {
  await using broker = await EmbeddedBroker.start({ nodes: 2 });
  await using folder = await tempFolder();
  await using otherFolder = await tempFolder();
  const { input, output, reaches } = await loaded(broker);
  const instance = (clientId: string, stateDir: string): KafkaStreams =>
    new KafkaStreams(countingTopology({ input, output, delayMs: 2 }), {
      applicationId: 'counts',
      clientId,
      brokers: broker.brokers,
      processingGuarantee: 'exactly_once_v2',
      stateDir,
      sessionTimeoutMs: 1_500,
      heartbeatIntervalMs: 300,
      transactionTimeoutMs: 2_000,
    });
  await using one = instance('one', folder.path);
  await using other = instance('other', otherFolder.path);
  await one.start();
  await reaches(TOTAL / 4);
  await other.start();
  broker.faults.crash('one');
  await reaches(TOTAL);
  expect(await readCounts(output, broker.brokers)).toEqual(exactCounts(KEYS, PER_KEY));
  broker.faults.revive('one');
});

test('kafkajs joins a group and reads what was written', async () => {
  await using broker = await EmbeddedBroker.start();
  const topic = await createTopic({ brokers: broker.brokers });
  await produce(topic, [{ key: 'a', value: 'one' }], broker.brokers);
  const kafka = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'readers' });
  await consumer.connect();
  try {
    const values: string[] = [];
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(String(message.value));
        return Promise.resolve();
      },
    });
    await until('the record', () => values.length > 0);
    expect(values).toEqual(['one']);
  } finally {
    await consumer.disconnect();
  }
});
