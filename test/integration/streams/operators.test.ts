import { setTimeout as delay } from 'node:timers/promises';
import { serdes, StreamRecord, StreamsBuilder, TimeWindows } from '../../../src/index.ts';
import { Stores } from '../../../src/state/stores.ts';
import { metric, testApp } from '../../support/app.ts';
import { createTopic } from '../../support/broker.ts';
import { countingInput } from '../../support/counts.ts';
import { produce, readCommitted, type OutputRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

const text = { key: serdes.string, value: serdes.string };

const texts = (records: readonly OutputRecord[]): string[] =>
  records.map(({ key, value }) => `${key ?? ''}=${value?.toString() ?? ''}`);

describe('on a real broker', () => {
  test('windows are counted by event time, restored with their retention, and can be queried', async () => {
    await using app = await testApp({ statestoreCacheMaxBytes: 0 });
    const [input, output] = [await createTopic({ partitions: 2 }), await createTopic()];
    const topology = () => {
      const builder = new StreamsBuilder();
      builder
        .stream(input, text)
        .groupByKey()
        .windowedBy(TimeWindows.of({ size: 60_000, grace: 60_000 }))
        .count({ store: 'per-minute' })
        .toStream()
        .map((window, count) => [`${window.key}@${window.startMs % 3_600_000}`, String(count)])
        .to(output, text);
      return builder.build();
    };
    const hourMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    const at = (key: string, minute: number) => ({
      key,
      value: '',
      timestampMs: hourMs + minute * 60_000,
    });
    await produce(input, [at('ann', 0), at('ann', 0.9), at('bob', 0), at('ann', 1)]);
    const first = await app.start(topology());
    await until('4 counts', async () => (await readCommitted(output)).length === 4);
    await first.close();
    await first.cleanUp();

    const second = await app.start(topology());
    await produce(input, [at('ann', 0.5), at('ann', 1.5)]);
    await until('6 counts', async () => (await readCommitted(output)).length === 6);
    expect(texts(await readCommitted(output)).filter((line) => line.startsWith('ann'))).toEqual([
      'ann@0=1',
      'ann@0=2',
      'ann@60000=1',
      'ann@0=3',
      'ann@60000=2',
    ]);
    const store = second.store<string, number>('per-minute', 'window');
    expect(store.fetch('ann', hourMs)).toBe(3);
    const windows: number[] = [];
    const range = { fromMs: hourMs, toMs: hourMs + 3_600_000 };
    for await (const [, count] of store.fetchRange('ann', range)) windows.push(count);
    expect(windows).toEqual([3, 2]);
    expect(() => second.store('per-minute')).toThrow("store(name, 'window')");
    expect(() => second.store('per-hour')).toThrow('per-minute');
  });

  test('a global table is complete before the first record, and followed from then on', async () => {
    await using app = await testApp({ commitIntervalMs: 50 });
    const names = await createTopic({ partitions: 3 });
    const [input, output] = [await createTopic(), await createTopic()];
    await produce(
      names,
      Array.from({ length: 30 }, (_, id) => ({ key: `id-${id}`, value: `name-${id}` })),
    );
    await produce(input, [{ key: 'a', value: 'id-7' }]);
    const topology = () => {
      const builder = new StreamsBuilder();
      const table = builder.globalTable(names, { ...text, store: 'names' });
      builder
        .stream(input, text)
        .leftJoin(
          table,
          (_, id) => id,
          (_, name) => name ?? 'nobody',
        )
        .to(output, text);
      return builder.build();
    };
    const first = await app.start(topology());
    await until('one', async () => (await readCommitted(output)).length === 1);
    expect(first.store('names').get('id-29')).toBe('name-29');
    await produce(names, [{ key: 'id-7', value: 'renamed' }]);
    await until('the update', () => first.store('names').get('id-7') === 'renamed');
    await produce(input, [
      { key: 'b', value: 'id-7' },
      { key: 'c', value: 'id-99' },
    ]);
    await until('three', async () => (await readCommitted(output)).length === 3);
    expect(texts(await readCommitted(output))).toEqual(['a=name-7', 'b=renamed', 'c=nobody']);
    await first.close();

    // Its own disk has the table: only what is new is read again.
    const second = await app.start(topology());
    expect(second.store('names').get('id-7')).toBe('renamed');
    expect(metric(second, 'process-total')).toBe(0);
  });

  test('async processors keep the order, and a commit waits for them', async () => {
    await using app = await testApp({ commitIntervalMs: 10 });
    const [input, output] = [await createTopic(), await createTopic()];
    const builder = new StreamsBuilder();
    builder
      .stream(input, text)
      .process<string, string>({
        create: (context) => ({
          process: async (record) => {
            await delay(Number(record.key.slice(4)) % 3);
            context.forward(record.withValue('done'));
          },
        }),
      })
      .to(output, text);
    await produce(input, countingInput(1, 60));
    await app.start(builder.build());
    await until('60 records', async () => (await readCommitted(output)).length === 60);
    expect(texts(await readCommitted(output))).toEqual(
      countingInput(1, 60).map(({ key }) => `${key}=done`),
    );
  });

  test('punctuators fire by the wall clock without records, and what they write is committed', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic(), await createTopic()];
    const builder = new StreamsBuilder();
    builder
      .stream(input, text)
      .process<string, string>({
        stores: [Stores.keyValue({ name: 'ticks', key: serdes.string, value: serdes.int })],
        create: (context) => {
          const ticks = context.keyValueStore<string, number>('ticks');
          context.schedule(20, 'wall-clock', (nowMs) => {
            const count = (ticks.get('tick') ?? 0) + 1;
            ticks.put('tick', count);
            context.forward(new StreamRecord('tick', String(count), nowMs));
          });
          return { process: () => undefined };
        },
      })
      .to(output, text);
    await produce(input, countingInput(1, 1));
    const first = await app.start(builder.build());
    await until('ten ticks', async () => (await readCommitted(output)).length >= 10);
    await first.close();
    const before = (await readCommitted(output)).length;
    await app.start(builder.build());
    await until('more ticks', async () => (await readCommitted(output)).length >= before + 5);
    const values = (await readCommitted(output)).map(({ value }) => Number(value?.toString()));
    expect(values).toEqual(values.map((_, number) => number + 1));
  });
});
