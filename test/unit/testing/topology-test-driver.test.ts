import { StreamRecord } from '../../../src/common/record.ts';
import type { Processor } from '../../../src/processor/processor.ts';
import type { ProcessorContext } from '../../../src/processor/processor-context.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores, tableStoreBuilder } from '../../../src/state/stores.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { aggregating, newValues } from '../../support/aggregating.ts';

type Context = ProcessorContext<string, string>;
type Create = (context: Context) => Processor<string, string>;

const TEXT = { key: serdes.string, value: serdes.string };

const pass: Create = (context) => ({
  process: (record) => {
    context.forward(record);
  },
});

const source = (topology: Topology, name: string, topic: string): Topology =>
  topology.addSource(name, topic, TEXT);

/** in → `create` → out. */
const around = (create: Create): Topology =>
  source(new Topology(), 'source', 'in')
    .addProcessor('processor', { create }, 'source')
    .addSink('sink', 'out', 'processor', TEXT);

/** Counts lines by key in a cached table; in → counts → out. */
function counting(): Topology {
  const table = tableStoreBuilder({
    name: 'counts',
    key: serdes.string,
    value: serdes.long,
    caching: true,
  });
  const create = aggregating(
    'counts',
    () => 0,
    (_: string, count: number) => count + 1,
  );
  return source(new Topology(), 'source', 'in')
    .addProcessor('count', { create, stores: [table] }, 'source')
    .addProcessor('values', { create: newValues }, 'count')
    .addSink('sink', 'out', 'values', { key: serdes.string, value: serdes.long });
}

describe('topology test driver', () => {
  test('runs a record through the topology and hands out what it wrote', async () => {
    await using driver = await TopologyTestDriver.create(around(pass));
    const input = driver.createInputTopic('in', TEXT);
    const output = driver.createOutputTopic('out', TEXT);
    await input.pipe({ key: 'k', value: 'v', timestampMs: 7, headers: [['h', Buffer.from('x')]] });
    expect(output.size).toBe(1);
    expect(output.readRecord()).toEqual({
      key: 'k',
      value: 'v',
      timestampMs: 7,
      headers: [['h', Buffer.from('x')]],
    });
    expect(output.isEmpty).toBe(true);
    expect(driver.producedTopicNames).toEqual(new Set(['out']));
  });

  test('reads each record once, as records, pairs or a map of the last values', async () => {
    await using driver = await TopologyTestDriver.create(around(pass));
    const input = driver.createInputTopic('in', TEXT);
    const output = driver.createOutputTopic('out', TEXT);
    const lines = ['a', 'b', 'c'].map((value) => ({ key: 'k', value }));
    await input.pipeAll(lines);
    expect(output.readKeyValue()).toEqual(['k', 'a']);
    expect(output.readKeyValuesToMap()).toEqual(new Map([['k', 'c']]));
    await input.pipeAll(lines);
    expect(output.readRecords().map(({ value }) => value)).toEqual(['a', 'b', 'c']);
    expect(() => output.readRecord()).toThrow(/no record left/);
  });

  test('null keys and values go in and come out', async () => {
    await using driver = await TopologyTestDriver.create(around(pass));
    const input = driver.createInputTopic('in', TEXT);
    const nothing = JSON.parse('null') as string; // a topic can hold nulls, whatever its type says
    await input.pipe({ key: nothing, value: nothing });
    expect(driver.createOutputTopic('out', TEXT).readKeyValue()).toEqual([null, null]);
  });

  test('an unknown input topic is refused with those that there are', async () => {
    await using driver = await TopologyTestDriver.create(around(pass));
    expect(() => driver.createInputTopic('inn', TEXT)).toThrow(/it reads: in/);
  });

  test('times of input records: their own, else the wall clock, else a start that advances', async () => {
    await using driver = await TopologyTestDriver.create(around(pass), { startWallClockMs: 100 });
    const output = driver.createOutputTopic('out', TEXT);
    const plain = driver.createInputTopic('in', TEXT);
    await plain.pipe({ key: 'k', value: 'v' });
    await driver.advanceWallClock('1s');
    await plain.pipe({ key: 'k', value: 'v' });
    const timed = driver.createInputTopic('in', TEXT, { startTimestampMs: 5, autoAdvance: 10 });
    await timed.pipe({ key: 'k', value: 'v' });
    await timed.pipe({ key: 'k', value: 'v', timestampMs: 1 });
    await timed.pipe({ key: 'k', value: 'v' });
    timed.advanceTime(1_000);
    await timed.pipe({ key: 'k', value: 'v' });
    expect(output.readRecords().map(({ timestampMs }) => timestampMs)).toEqual([
      100, 1_100, 5, 1, 15, 1_025,
    ]);
  });

  test('reads back what it writes to a topic that it reads, later outputs behind earlier ones', async () => {
    const twice: Create = (context) => ({
      process: (record) => {
        if (record.value.length > 2) return;
        context.forward(record.withValue(`${record.value}a`));
        context.forward(record.withValue(`${record.value}b`));
      },
    });
    const topology = around(twice).addSink('loop', 'in', 'processor', TEXT);
    await using driver = await TopologyTestDriver.create(topology);
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'x' });
    const values = driver
      .createOutputTopic('out', TEXT)
      .readRecords()
      .map(({ value }) => value);
    expect(values).toEqual(['xa', 'xb', 'xaa', 'xab', 'xba', 'xbb']);
  });

  test('runs sub-topologies over the topic between them, lowest timestamp first', async () => {
    const topology = source(new Topology(), 'first', 'in').addSink(
      'between',
      'middle',
      'first',
      TEXT,
    );
    source(topology, 'second', 'middle').addSink('sink', 'out', 'second', TEXT);
    await using driver = await TopologyTestDriver.create(topology);
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'v', timestampMs: 3 });
    expect(driver.createOutputTopic('out', TEXT).readRecord()).toMatchObject({ timestampMs: 3 });
    expect(driver.createOutputTopic('middle', TEXT).size).toBe(1);
  });

  test('a repartition topic has the application id before its name', async () => {
    const topology = source(new Topology(), 'first', 'in').addSink(
      'between',
      'x-repartition',
      'first',
      TEXT,
    );
    source(topology, 'second', 'x-repartition').addSink('sink', 'out', 'second', TEXT);
    const plan = {
      ...topology.plan(),
      repartitionTopics: [{ name: 'x-repartition', partitions: null }],
    };
    const config = { applicationId: 'app' };
    await using driver = await TopologyTestDriver.create({ plan: () => plan }, { config });
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'v' });
    expect(driver.producedTopicNames).toEqual(new Set(['app-x-repartition', 'out']));
  });

  test('commits after each record, so a cache holds nothing back', async () => {
    await using driver = await TopologyTestDriver.create(counting());
    const input = driver.createInputTopic('in', TEXT);
    const output = driver.createOutputTopic('out', { key: serdes.string, value: serdes.long });
    await input.pipeAll([
      { key: 'k', value: '' },
      { key: 'k', value: '' },
    ]);
    expect(output.readKeyValues()).toEqual([
      ['k', 1],
      ['k', 2],
    ]);
    expect(driver.producedTopicNames).toContain('test-counts-changelog');
  });

  test('commits when told to, if it shall not after each record: then caches hold back', async () => {
    await using driver = await TopologyTestDriver.create(counting(), {
      commitAfterEachRecord: false,
    });
    const input = driver.createInputTopic('in', TEXT);
    const output = driver.createOutputTopic('out', { key: serdes.string, value: serdes.long });
    await input.pipeAll([
      { key: 'k', value: '' },
      { key: 'k', value: '' },
    ]);
    expect(output.isEmpty).toBe(true);
    expect(driver.keyValueStore<string, number>('counts').get('k')).toBe(2);
    await driver.commit();
    expect(output.readKeyValues()).toEqual([['k', 2]]);
  });

  test('shows the content of stores, and takes writes', async () => {
    await using driver = await TopologyTestDriver.create(counting());
    const store = driver.keyValueStore<string, number>('counts');
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: '' });
    expect(store.get('k')).toBe(1);
    expect(() => driver.keyValueStore('nothing')).toThrow(/it has: counts/);
    expect(() => driver.windowStore('counts')).toThrow(/window store was asked for/);
  });

  test('runs stream-time punctuators after each record, and wall-clock ones when the clock is moved', async () => {
    const fired: string[] = [];
    const create: Create = (context) => {
      for (const type of ['stream-time', 'wall-clock'] as const) {
        context.schedule(10, type, (timestampMs) => {
          fired.push(`${type} ${timestampMs}`);
          context.forward(new StreamRecord('tick', type, timestampMs));
        });
      }
      return { process: () => undefined };
    };
    await using driver = await TopologyTestDriver.create(around(create), {
      startWallClockMs: 1_000,
    });
    const input = driver.createInputTopic('in', TEXT);
    for (const timestampMs of [5, 8, 27]) await input.pipe({ key: 'k', value: 'v', timestampMs });
    expect(fired).toEqual(['stream-time 5', 'stream-time 27']);
    await driver.advanceWallClock(9);
    await driver.advanceWallClock(1);
    await driver.advanceWallClock(30);
    expect(fired.slice(2)).toEqual(['wall-clock 1010', 'wall-clock 1040']);
    expect(driver.createOutputTopic('out', TEXT).size).toBe(4);
  });

  test('waits for async processors before a pipe resolves', async () => {
    const create: Create = (context) => ({
      process: async (record) => {
        await Promise.resolve();
        context.forward(record.withValue(`${record.value} later`));
      },
    });
    await using driver = await TopologyTestDriver.create(around(create));
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'v' });
    expect(driver.createOutputTopic('out', TEXT).readKeyValue()).toEqual(['k', 'v later']);
  });

  test('runs calls that are not awaited one after the other', async () => {
    await using driver = await TopologyTestDriver.create(around(pass));
    const input = driver.createInputTopic('in', TEXT);
    const piped = ['a', 'b', 'c'].map((value) => input.pipe({ key: 'k', value }));
    await Promise.all(piped);
    const values = driver
      .createOutputTopic('out', TEXT)
      .readRecords()
      .map(({ value }) => value);
    expect(values).toEqual(['a', 'b', 'c']);
  });

  test('holds a record back while another partition may still get an earlier one, as maxTaskIdleMs says', async () => {
    const topology = new Topology()
      .addSource('source', ['a', 'b'], TEXT)
      .addSink('sink', 'out', 'source', TEXT);
    await using driver = await TopologyTestDriver.create(topology, {
      config: { maxTaskIdleMs: '1s' },
    });
    const output = driver.createOutputTopic('out', TEXT);
    const first = driver.createInputTopic('a', TEXT);
    await first.pipe({ key: 'k', value: 'a', timestampMs: 5 });
    expect(output.isEmpty).toBe(true);
    await driver.createInputTopic('b', TEXT).pipe({ key: 'k', value: 'b', timestampMs: 3 });
    expect(output.readKeyValues()).toEqual([['k', 'b']]);
    await driver.advanceWallClock('1s');
    expect(output.readKeyValues()).toEqual([['k', 'a']]);
  });

  test('rejects the pipe that fails, drops what it did, and stays stopped', async () => {
    const create: Create = (context) => ({
      process: (record) => {
        context.forward(record);
        if (record.value === 'bad') throw new Error('bad');
      },
    });
    await using driver = await TopologyTestDriver.create(around(create));
    const input = driver.createInputTopic('in', TEXT);
    await input.pipe({ key: 'k', value: 'good' });
    const error = { code: 'STREAMS_PROCESSING', site: { node: 'processor', offset: 1 } };
    await expect(input.pipe({ key: 'k', value: 'bad' })).rejects.toMatchObject(error);
    await expect(input.pipe({ key: 'k', value: 'good' })).rejects.toMatchObject(error);
    expect(driver.createOutputTopic('out', TEXT).readKeyValues()).toEqual([['k', 'good']]);
  });

  test('applies the handlers of the config, and shows the counters', async () => {
    const create: Create = () => ({
      process: () => {
        throw new Error('always');
      },
    });
    await using driver = await TopologyTestDriver.create(around(create), {
      config: { processingExceptionHandler: () => ({ deadLetter: 'dead' }) },
    });
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'v' });
    expect(driver.createOutputTopic('dead', TEXT).readKeyValue()).toEqual(['k', 'v']);
    expect(driver.counter('dropped-records-total', { reason: 'processing' })).toBe(1);
    expect(driver.counter('dropped-records-total', { reason: 'late' })).toBe(0);
  });

  test('closes processors, and refuses work afterwards', async () => {
    let isClosed = false;
    const create: Create = () => ({
      process: () => undefined,
      close: () => {
        isClosed = true;
      },
    });
    const driver = await TopologyTestDriver.create(around(create));
    const input = driver.createInputTopic('in', TEXT);
    await driver.close();
    await driver.close();
    expect(isClosed).toBe(true);
    await expect(input.pipe({ key: 'k', value: 'v' })).rejects.toMatchObject({
      code: 'STREAMS_STOPPED',
    });
  });
});

describe('a global store', () => {
  const builder = Stores.keyValue({ name: 'names', ...TEXT, logging: false });

  /** names → global store; in → looks the value up → out. */
  function withGlobal(lookup: Create): Topology {
    const write: Create = (context) => {
      const names = context.keyValueStore<string, string>('names');
      return {
        process: ({ key, value }) => {
          names.put(key, value);
        },
      };
    };
    return around(lookup).addGlobalStore(builder, {
      ...TEXT,
      topic: 'names',
      sourceName: 'names-source',
      processorName: 'names-processor',
      processor: { create: write, stores: ['names'] },
    });
  }

  test('is fed by its topic and read by every processor', async () => {
    const lookup: Create = (context) => {
      const names = context.keyValueStore<string, string>('names');
      return {
        process: (record) => {
          context.forward(record.withValue(names.get(record.value) ?? 'nobody'));
        },
      };
    };
    await using driver = await TopologyTestDriver.create(withGlobal(lookup));
    const names = driver.createInputTopic('names', TEXT);
    const input = driver.createInputTopic('in', TEXT);
    await input.pipe({ key: 'k', value: 'a' });
    await names.pipe({ key: 'a', value: 'Ann' });
    await input.pipe({ key: 'k', value: 'a' });
    expect(driver.createOutputTopic('out', TEXT).readKeyValues()).toEqual([
      ['k', 'nobody'],
      ['k', 'Ann'],
    ]);
    expect(driver.keyValueStore('names').get('a')).toBe('Ann');
  });

  test('cannot be written by other processors', async () => {
    const write: Create = (context) => ({
      process: ({ key, value }) => {
        context.keyValueStore<string, string>('names').put(key, value);
      },
    });
    await using driver = await TopologyTestDriver.create(withGlobal(write));
    const piped = driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'v' });
    await expect(piped).rejects.toThrow(/read-only here/);
  });

  test('follows what the topology itself writes to its topic', async () => {
    const topology = withGlobal(pass).addSink('to-names', 'names', 'processor', TEXT);
    await using driver = await TopologyTestDriver.create(topology);
    await driver.createInputTopic('in', TEXT).pipe({ key: 'k', value: 'v' });
    expect(driver.keyValueStore('names').get('k')).toBe('v');
  });
});
