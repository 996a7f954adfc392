import { serdes, StreamsBuilder } from '../../../src/index.ts';
import { metric, testApp } from '../../support/app.ts';
import { createTopic } from '../../support/broker.ts';
import { produce, withClient } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

const STRINGS = { key: serdes.string, value: serdes.string };
const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i % 5}`, value: `v${from + i}` }));

describe.each(['exactly_once_v2', 'at_least_once'] as const)('%s', (processingGuarantee) => {
  test('a table is restored from its source topic, as far as it was processed, and reads on from there', async () => {
    await using app = await testApp({
      processingGuarantee,
      autoOffsetReset: 'earliest',
      commitIntervalMs: 50,
    });
    const topic = await createTopic();
    const topology = () => {
      const builder = new StreamsBuilder();
      builder.table(topic, { ...STRINGS, store: 'rows' });
      return builder.build({ topologyOptimization: 'all' });
    };
    await produce(topic, rows(0, 20));
    const first = await app.start(topology());
    await until('all rows', () => first.store<string, string>('rows').get('k4') === 'v19');
    await first.close();

    // Its own position continues the topic: nothing is restored again.
    const again = await app.start(topology());
    expect(again.store<string, string>('rows').get('k4')).toBe('v19');
    expect(metric(again, 'restore-records-total')).toBe(0);
    await again.close();

    await again.cleanUp();
    await produce(topic, rows(20, 5));
    const second = await app.start(topology());
    await until('the last rows', () => second.store<string, string>('rows').get('k4') === 'v24');
    expect(metric(second, 'restore-records-total')).toBe(20);
    expect(metric(second, 'process-total')).toBe(5);
    const topics = await withClient((admin) => admin.listTopics());
    expect(topics.filter((name) => name.startsWith(app.applicationId))).toEqual([]);
  });
});
