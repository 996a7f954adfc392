import { setTimeout as delay } from 'node:timers/promises';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { metric, testApp } from '../../support/app.ts';
import { createTopic } from '../../support/broker.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(120_000);

const KEYS = 10;
const PER_KEY = 80;

describe('a broker that goes away', () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka({ source: 'own' });
  }, 120_000);
  afterAll(() => broker.stop());

  test.each(['killed', 'paused'] as const)(
    'and comes back, %s in between, finds an application that goes on exactly',
    async (how) => {
      const { brokers } = broker;
      const input = await createTopic({ partitions: 3, brokers });
      const output = await createTopic({ partitions: 2, brokers });
      await produce(input, countingInput(KEYS, PER_KEY), brokers);
      await using app = await testApp({
        brokers,
        transactionTimeoutMs: 3_000,
        requestTimeoutMs: 3_000,
        sessionTimeoutMs: 6_000,
        heartbeatIntervalMs: 500,
      });
      const streams = await app.start(countingTopology({ input, output, delayMs: 2 }));
      await until(
        'some counts',
        async () => totalOf(await readCounts(output, brokers)) > 100,
        30_000,
      );

      await (how === 'killed' ? broker.kill() : broker.pause());
      await delay(how === 'killed' ? 500 : 5_000); // longer than the transaction may take
      await (how === 'killed' ? broker.start() : broker.resume());

      const total = KEYS * PER_KEY;
      await until(
        'all counts',
        async () => totalOf(await readCounts(output, brokers)) >= total,
        60_000,
      );
      expect(await readCounts(output, brokers)).toEqual(exactCounts(KEYS, PER_KEY));
      expect(streams.state).toBe('RUNNING');
      expect(metric(streams, 'state-wipes-total')).toBe(0);
    },
  );
});
