import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';

/** What everybody writes in JavaScript: an aggregate that is changed in place and returned. */
interface Basket {
  items: string[];
}

const LINES = { key: serdes.string, value: serdes.string };
const BASKETS = { key: serdes.string, value: serdes.json<Basket>() };

const empty = (): Basket => ({ items: [] });

const add = (_key: string, item: string, basket: Basket): Basket => {
  basket.items.push(item);
  return basket;
};

/** A value of a stream is read-only by its type; this is the user who does not know. */
const spoil = (basket: unknown): void => {
  (basket as Basket).items.push('spoilt');
};

const CACHES = [
  ['without a cache', { statestoreCacheMaxBytes: 0 }, true],
  ['with a cache', { statestoreCacheMaxBytes: 1_000_000 }, true],
  ['with a cache and few commits', { statestoreCacheMaxBytes: 1_000_000 }, false],
] as const;

describe.each(CACHES)('what a store holds, %s,', (_, config, commitAfterEachRecord) => {
  const options = { config, commitAfterEachRecord };

  test('is what the aggregator returned, though it is the object that it was given', async () => {
    const builder = new StreamsBuilder();
    const seen: string[][] = [];
    builder
      .stream('in', LINES)
      .groupByKey()
      .aggregate(empty, add, { store: 'baskets', value: BASKETS.value })
      .toStream()
      .peek((_key, basket) => seen.push(basket.items))
      .to('out', BASKETS);
    await using driver = await TopologyTestDriver.create(builder.build(), options);
    const input = driver.createInputTopic('in', LINES);
    for (const value of ['a', 'b', 'c']) await input.pipe({ key: 'k', value });
    await driver.commit();
    await input.pipe({ key: 'k', value: 'd' });
    await driver.commit();
    const whole = [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']];
    const expected = commitAfterEachRecord ? whole : whole.slice(2);
    expect(
      driver
        .createOutputTopic('out', BASKETS)
        .readRecords()
        .map(({ value }) => value.items),
    ).toEqual(expected);
    // What was handed on before is not changed by what comes after.
    expect(seen).toEqual(expected);
  });

  test('is not changed by functions behind it', async () => {
    const builder = new StreamsBuilder();
    const table = builder
      .stream('in', LINES)
      .groupByKey()
      .aggregate(empty, add, { store: 'baskets', value: BASKETS.value });
    table.toStream().foreach((_key, basket) => {
      spoil(basket);
    });
    await using driver = await TopologyTestDriver.create(builder.build(), options);
    const input = driver.createInputTopic('in', LINES);
    for (const value of ['a', 'b']) {
      await input.pipe({ key: 'k', value });
      await driver.commit();
    }
    expect(driver.keyValueStore<string, Basket>('baskets').get('k')).toEqual({ items: ['a', 'b'] });
  });

  test('is not changed by a joiner that gets it, nor by who reads it', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('baskets', { ...BASKETS, store: 'baskets' });
    builder
      .stream('in', LINES)
      .join(table, (line, basket) => {
        const joined = `${line} ${basket.items.join()}`;
        spoil(basket);
        return joined;
      })
      .to('out', LINES);
    await using driver = await TopologyTestDriver.create(builder.build(), options);
    await driver.createInputTopic('baskets', BASKETS).pipe({ key: 'k', value: { items: ['a'] } });
    const input = driver.createInputTopic('in', LINES);
    for (const value of ['1', '2']) {
      await input.pipe({ key: 'k', value });
      spoil(driver.keyValueStore<string, Basket>('baskets').get('k'));
    }
    const joined = driver
      .createOutputTopic('out', LINES)
      .readRecords()
      .map(({ value }) => value);
    expect(joined).toEqual(['1 a', '2 a']);
  });

  test('is not changed by a processor that reads it and puts nothing back', async () => {
    const builder = new StreamsBuilder();
    builder.table('baskets', { ...BASKETS, store: 'baskets' });
    builder
      .stream('in', LINES)
      .process<string, string>({
        stores: ['baskets'],
        create: (context) => {
          const baskets = context.keyValueStore<string, Basket>('baskets');
          return {
            process: (record) => {
              const basket = baskets.get(record.key);
              context.forward(record.withValue(basket?.items.join() ?? ''));
              if (basket !== null) spoil(basket);
            },
          };
        },
      })
      .to('out', LINES);
    await using driver = await TopologyTestDriver.create(builder.build(), options);
    await driver.createInputTopic('baskets', BASKETS).pipe({ key: 'k', value: { items: ['a'] } });
    const input = driver.createInputTopic('in', LINES);
    await input.pipeAll([
      { key: 'k', value: '1' },
      { key: 'k', value: '2' },
    ]);
    const seen = driver
      .createOutputTopic('out', LINES)
      .readRecords()
      .map(({ value }) => value);
    expect(seen).toEqual(['a', 'a']);
  });

  test('is as it was when an aggregator changed it and threw, and the handler skipped the record', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', LINES)
      .groupByKey()
      .aggregate(
        empty,
        (key, item, basket: Basket) => {
          add(key, item, basket);
          if (item === 'bad') throw new Error('bad');
          return basket;
        },
        { store: 'baskets', value: BASKETS.value },
      )
      .toStream()
      .to('out', BASKETS);
    await using driver = await TopologyTestDriver.create(builder.build(), {
      ...options,
      config: { ...config, processingExceptionHandler: () => 'continue' },
    });
    const input = driver.createInputTopic('in', LINES);
    for (const value of ['a', 'bad', 'b']) await input.pipe({ key: 'k', value });
    await driver.commit();
    const last = driver.createOutputTopic('out', BASKETS).readKeyValuesToMap().get('k');
    expect(last).toEqual({ items: ['a', 'b'] });
    expect(driver.counter('dropped-records-total', { reason: 'processing' })).toBe(1);
  });
});
