import { serdes, StreamsBuilder } from '../../../src/index.ts';
import { testApp } from '../../support/app.ts';
import { createTopic, uniqueName } from '../../support/broker.ts';
import { produce, readCommitted } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

const STRINGS = { key: serdes.string, value: serdes.string };

const lines = async (topic: string): Promise<string[]> =>
  (await readCommitted(topic)).map(({ key, value }) => `${key ?? ''}=${value?.toString() ?? ''}`);

test('an application reads the topics of a pattern as they come to be, keeps its counts, and routes each record', async () => {
  await using app = await testApp({
    autoOffsetReset: 'earliest',
    commitIntervalMs: 50,
    metadataMaxAgeMs: 200,
    statestoreCacheMaxBytes: 0,
  });
  const prefix = uniqueName('orders');
  const [odd, even] = [await createTopic(), await createTopic()];
  const builder = new StreamsBuilder();
  builder
    .stream(new RegExp(`${prefix}-.+`), STRINGS)
    .groupByKey()
    .count({ store: 'orders' })
    .toStream()
    .mapValues(String)
    .to((_key, count) => (Number(count) % 2 === 1 ? odd : even), STRINGS);

  // Nothing matches yet: the application runs, with no task.
  await app.start(builder.build());

  const first = await createTopic({ topic: `${prefix}-eu`, partitions: 2 });
  await produce(first, [{ key: 'ann', value: '' }]);
  await until('the first count', async () => (await lines(odd)).length === 1);

  const second = await createTopic({ topic: `${prefix}-us`, partitions: 2 });
  await createTopic({ topic: `old-${prefix}-us` });
  await produce(second, [{ key: 'ann', value: '' }]);
  await until('the second count', async () => (await lines(even)).length === 1);
  await produce(first, [{ key: 'ann', value: '' }]);
  await until('the third count', async () => (await lines(odd)).length === 2);
  expect(await lines(odd)).toEqual(['ann=1', 'ann=3']);
  expect(await lines(even)).toEqual(['ann=2']);
});
