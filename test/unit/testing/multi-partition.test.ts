import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { defaultPartition } from '../../../src/common/murmur2.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { STRINGS } from '../../support/run-topology.ts';

const COUNTS = { key: serdes.string, value: serdes.long };
const KEYS = Array.from({ length: 20 }, (_, id) => `key-${id}`);

/** Counts by value: in → repartition → counts → out. */
function countByValue() {
  const builder = new StreamsBuilder();
  builder
    .stream('in', STRINGS)
    .groupBy((_, value) => value, STRINGS)
    .count({ store: 'counts' })
    .toStream()
    .to('out');
  return builder.build();
}

const partitionOf = (key: string, count: number): number =>
  defaultPartition(Buffer.from(key), count);

describe('a driver with several partitions', () => {
  test('runs a task for each partition, and repartitions between sub-topologies', async () => {
    await using driver = await TopologyTestDriver.create(countByValue(), { partitions: 3 });
    const input = driver.createInputTopic('in', STRINGS);
    await input.pipeAll(KEYS.map((value, id) => ({ key: String(id % 4), value })));
    for (const key of KEYS) {
      const owner = driver.keyValueStore<string, number>('counts', {
        partition: partitionOf(key, 3),
      });
      expect(owner.get(key)).toBe(1);
    }
    for (const partition of [0, 1, 2]) {
      const own = KEYS.filter((key) => partitionOf(key, 3) === partition);
      const output = driver.createOutputTopic('out', COUNTS, { partition });
      expect(output.size).toBe(own.length);
      expect(output.readRecords().map(({ key }) => key)).toEqual(own);
      expect(output.isEmpty).toBe(true);
    }
  });

  test('ends with the counts of the driver of one partition', async () => {
    const run = async (partitions?: number) => {
      const options = partitions === undefined ? {} : { partitions };
      await using driver = await TopologyTestDriver.create(countByValue(), options);
      const input = driver.createInputTopic('in', STRINGS);
      await input.pipeAll(KEYS.concat(KEYS).map((value, id) => ({ key: String(id), value })));
      const counts = driver.createOutputTopic('out', COUNTS).readKeyValuesToMap();
      return new Map([...counts].sort());
    };
    expect(await run(4)).toEqual(await run());
  });

  test('takes records to the partition that they name, those without a key in turn', async () => {
    const builder = new StreamsBuilder();
    const seen: (number | undefined)[] = [];
    builder.stream('in', STRINGS).process({
      create: (context) => ({ process: () => void seen.push(context.recordMetadata?.partition) }),
    });
    const partitions = { in: 3 };
    await using driver = await TopologyTestDriver.create(builder.build(), { partitions });
    const input = driver.createInputTopic('in', STRINGS);
    await input.pipe({ key: 'a', value: '', partition: 2 });
    for (let i = 0; i < 4; i++) await input.pipe({ key: null as never, value: '' });
    expect(seen).toEqual([2, 0, 1, 2, 0]);
    await expect(input.pipe({ key: 'a', value: '', partition: 3 })).rejects.toThrow(
      /has 3 partitions, so there is no 3.*topic in/,
    );
  });

  test('asks which store is meant, where several tasks have it', async () => {
    await using driver = await TopologyTestDriver.create(countByValue(), { partitions: 2 });
    expect(() => driver.keyValueStore('counts')).toThrow(/each of 2 tasks has this store/);
    expect(() => driver.keyValueStore('counts', { partition: 2 })).toThrow(/of partition 2/);
  });

  test('refuses a join of topics whose counts differ, which the driver of one partition cannot see', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('rows', STRINGS);
    builder
      .stream('in', STRINGS)
      .join(table, (a, b) => a + b)
      .to('out', STRINGS);
    const topology = builder.build();
    await expect(
      TopologyTestDriver.create(topology, { partitions: { in: 2, rows: 3 } }),
    ).rejects.toThrow(/must have the same number of partitions/);
    await expect(TopologyTestDriver.create(topology, { partitions: 0 })).rejects.toThrow(
      /cannot have 0 partitions/,
    );
  });

  test('fills a global table from every partition', async () => {
    const builder = new StreamsBuilder();
    builder.globalTable('rows', { ...STRINGS, store: 'rows' });
    builder.stream('in', STRINGS).to('out');
    await using driver = await TopologyTestDriver.create(builder.build(), { partitions: 3 });
    const rows = driver.createInputTopic('rows', STRINGS);
    await rows.pipeAll(KEYS.map((key) => ({ key, value: key })));
    const store = driver.keyValueStore<string, string>('rows');
    expect(KEYS.every((key) => store.get(key) === key)).toBe(true);
  });
});
