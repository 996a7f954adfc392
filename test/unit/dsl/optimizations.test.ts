import { JoinWindows } from '../../../src/common/join-windows.ts';
import type { FixedKeyProcessorSupplier } from '../../../src/processor/fixed-key-processor.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { fingerprint } from '../../../src/topology/fingerprint.ts';
import { internalTopics } from '../../../src/topology/internal-topics.ts';
import { describedByKafkaStreams } from '../../support/described.ts';
import { failure } from '../../support/failure.ts';
import { STRINGS } from '../../support/run-topology.ts';

// Kafka Streams' side: test/fixtures/describe/OptimizedTopologies.java, the same topologies in the same order.
const expected = describedByKafkaStreams('optimized.txt');

const MINUTES = JoinWindows.of({ timeDifference: '1m' });
const both = (left: string | null, right: string | null) => `${String(left)}${String(right)}`;
const COUNTS = { key: serdes.string, value: serdes.long };
const pass = (name?: string): FixedKeyProcessorSupplier<string, string, string> => {
  const create = () => ({ process: () => undefined });
  return name === undefined ? { create } : { name, create };
};

const topologies: Record<string, (b: StreamsBuilder) => void> = {
  'two-groupings'(b) {
    const mapped = b.stream('in', STRINGS).map((k, v) => [v, k]);
    mapped.groupByKey(STRINGS).count({ store: 'counts' }).toStream().to('a', COUNTS);
    mapped
      .groupByKey(STRINGS)
      .reduce((_, v) => v, { store: 'last' })
      .toStream()
      .to('b', STRINGS);
  },
  'unnamed-groupings'(b) {
    const mapped = b.stream('in', STRINGS).selectKey((_, v) => v);
    mapped.groupByKey(STRINGS).count().toStream().to('a', COUNTS);
    mapped
      .filter(() => true)
      .groupByKey(STRINGS)
      .reduce((_, v) => v)
      .toStream()
      .to('b', STRINGS);
  },
  'below-filters'(b) {
    const mapped = b.stream('in', STRINGS).map((k, v) => [v, k]);
    mapped
      .filter(() => true)
      .peek(() => undefined)
      .groupByKey({ ...STRINGS, name: 'one' })
      .count({ store: 'counts' })
      .toStream()
      .to('a', COUNTS);
    mapped
      .filterNot(() => true)
      .groupByKey({ ...STRINGS, name: 'two' })
      .count({ store: 'others' })
      .toStream()
      .to('b', COUNTS);
    mapped.to('c', STRINGS);
  },
  'above-values'(b) {
    const mapped = b.stream('in', STRINGS).map((k, v) => [v, k]);
    mapped
      .mapValues((v) => v)
      .groupByKey(STRINGS)
      .count({ store: 'counts' })
      .toStream()
      .to('a', COUNTS);
    mapped.groupByKey(STRINGS).count({ store: 'others' }).toStream().to('b', COUNTS);
  },
  'merged-streams'(b) {
    const one = b.stream('one', STRINGS).selectKey((_, v) => v);
    const two = b.stream('two', STRINGS).selectKey((_, v) => v);
    const merged = one.merge(two);
    merged.groupByKey(STRINGS).count({ store: 'counts' }).toStream().to('a', COUNTS);
    merged
      .groupByKey(STRINGS)
      .reduce((_, v) => v, { store: 'last' })
      .toStream()
      .to('b', STRINGS);
  },
  'join-and-grouping'(b) {
    const keyed = b.stream('in', STRINGS).selectKey((_, v) => v);
    const table = b.table('rows', { ...STRINGS, store: 'rows-store' });
    keyed.join(table, (v, r) => v + r, STRINGS).to('a', STRINGS);
    keyed.groupByKey(STRINGS).count({ store: 'counts' }).toStream().to('b', COUNTS);
  },
  'asked-for'(b) {
    const keyed = b.stream('in', STRINGS).selectKey((_, v) => v);
    keyed
      .repartition({ ...STRINGS, name: 'mine' })
      .groupByKey()
      .count({ store: 'counts' });
    keyed.groupByKey(STRINGS).count({ store: 'others' });
  },
  'named-group'(b) {
    const grouped = b.stream('in', STRINGS).groupBy((_, v) => v, { ...STRINGS, name: 'by-value' });
    grouped.count({ store: 'counts' });
    grouped.reduce((_, v) => v, { store: 'last' });
  },
  'to-table'(b) {
    const keyed = b.stream('in', STRINGS).selectKey((_, v) => v);
    keyed
      .toTable({ ...STRINGS, store: 'kept' })
      .toStream()
      .to('a', STRINGS);
    keyed.groupByKey(STRINGS).count({ store: 'counts' });
  },
  tables(b) {
    b.table('in', { ...STRINGS, store: 'rows' })
      .filter(() => true)
      .toStream()
      .to('a', STRINGS);
  },
  'values-and-dynamic'(b) {
    const input = b.stream(/in-.+/, STRINGS);
    input.processValues(pass()).to('a', STRINGS);
    input.processValues(pass('named')).to('b', STRINGS);
    input.filter(() => true).to('c', STRINGS);
  },
  'self-joins'(b) {
    const input = b.stream('in', STRINGS);
    input.join(input, both, MINUTES).to('a', STRINGS);
    const again = b.stream('in', STRINGS);
    input.join(again, both, MINUTES, { name: 'named', store: 'kept' }).to('b', STRINGS);
    input.leftJoin(input, both, MINUTES).to('c', STRINGS);
    input.outerJoin(input, both, MINUTES).to('d', STRINGS);
  },
  'self-join-repartitioned'(b) {
    const keyed = b.stream('in', STRINGS).selectKey((_, v) => v);
    keyed.join(keyed, both, MINUTES, STRINGS).to('a', STRINGS);
  },
  'no-self-join'(b) {
    const input = b.stream('in', STRINGS);
    input
      .join(
        input.filter(() => true),
        both,
        MINUTES,
      )
      .to('a', STRINGS);
    input.join(b.stream('other', STRINGS), both, MINUTES).to('b', STRINGS);
  },
  'with-grace'(b) {
    const versioned = { historyRetention: '1h' } as const;
    const rows = b.table('rows', { ...STRINGS, store: 'versions', versioned });
    const input = b.stream('in', STRINGS);
    input.join(rows, both, { grace: '1m' }).to('a', STRINGS);
    input
      .leftJoin(
        rows.filter(() => true),
        both,
        { name: 'named', grace: '1m' },
      )
      .to('b', STRINGS);
    input
      .selectKey((_, v) => v)
      .join(rows, both, { ...STRINGS, name: 'moved', grace: 0 })
      .to('c', STRINGS);
  },
};

const built = (name: string) => {
  const builder = new StreamsBuilder();
  topologies[name]?.(builder);
  return builder;
};

describe('with all optimizations, describe() is that of Kafka Streams', () => {
  test.each([...expected])('%s', (name, text) => {
    const builder = built(name);
    expect(builder.build({ topologyOptimization: 'all' }).describe()).toBe(text);
    expect(builder.build({ topologyOptimization: 'all' }).describe()).toBe(text);
  });

  test('for every topology of the fixture', () => {
    expect(Object.keys(topologies)).toEqual([...expected.keys()]);
  });
});

describe('merged repartition topics', () => {
  test.each(['two-groupings', 'below-filters', 'merged-streams', 'join-and-grouping'])(
    '%s gives the records that it gives without',
    async (name) => {
      const outputs = async (optimized: boolean) => {
        const topology = built(name).build(optimized ? { topologyOptimization: 'all' } : {});
        await using driver = await TopologyTestDriver.create(topology, { partitions: 2 });
        for (const topic of ['rows', 'in', 'one', 'two']) {
          if (!topology.describe().includes(`(topics: [${topic}])`)) continue;
          const input = driver.createInputTopic(topic, STRINGS);
          for (const value of ['x', 'y', 'x']) await input.pipe({ key: 'k', value });
          for (const value of ['x', 'y']) await input.pipe({ key: value, value });
        }
        return ['a', 'b', 'c'].map((topic) =>
          driver
            .createOutputTopic(topic, { key: serdes.string, value: serdes.bytes })
            .readRecords()
            .map(({ key, value }) => `${key}=${Buffer.from(value).toString('hex')}`)
            .sort(),
        );
      };
      const plain = await outputs(false);
      expect(plain[0]).not.toEqual([]);
      expect(await outputs(true)).toEqual(plain);
    },
  );

  test('are not moved above processors, whose keys and values are others', () => {
    const builder = new StreamsBuilder();
    const keyed = builder.stream('in', STRINGS).selectKey((_, v) => v);
    keyed.processValues(pass()).groupByKey(STRINGS).count({ store: 'one' });
    keyed
      .process<string, string>({ create: () => ({ process: () => undefined }) })
      .groupByKey(STRINGS)
      .count({ store: 'two' });
    const plan = builder.build({ topologyOptimization: ['mergeRepartitionTopics'] }).plan();
    expect(plan.repartitionTopics.map(({ name }) => name).sort()).toEqual([
      'one-repartition',
      'two-repartition',
    ]);
  });

  test('count as co-partitioned with what they are joined with', () => {
    const plan = built('join-and-grouping').build({ topologyOptimization: 'all' }).plan();
    const [merged = ''] = plan.repartitionTopics.map(({ name }) => name);
    const joining = plan.subtopologies.find(({ sourceTopics }) => sourceTopics.includes('rows'));
    expect(joining?.copartitionGroups.map((group) => [...group].sort())).toEqual([
      [merged, 'rows'],
    ]);
  });
});

describe('the source topic of a table as its changelog', () => {
  const changelogs = (options: Parameters<StreamsBuilder['build']>[0]) => {
    const plan = built('tables').build(options).plan();
    return internalTopics(plan, { applicationId: 'app' }).map(({ name }) => name);
  };

  test('saves a topic, only where it is asked for', async () => {
    expect(changelogs({})).toEqual(['app-rows-changelog']);
    expect(changelogs({ topologyOptimization: 'none' })).toEqual(['app-rows-changelog']);
    expect(changelogs({ topologyOptimization: ['mergeRepartitionTopics'] })).toHaveLength(1);
    expect(changelogs({ topologyOptimization: ['reuseKTableSourceTopics'] })).toEqual([]);

    const topology = built('tables').build({ topologyOptimization: 'all' });
    await using driver = await TopologyTestDriver.create(topology);
    await driver.createInputTopic('in', STRINGS).pipe({ key: 'k', value: 'v' });
    expect(driver.keyValueStore<string, string>('rows').get('k')).toBe('v');
    expect([...driver.producedTopicNames]).toEqual(['a']);
  });

  test('is part of what makes two topologies the same', () => {
    const builder = built('tables');
    const none = builder.build().plan();
    const all = builder.build({ topologyOptimization: 'all' }).plan();
    expect(fingerprint(none)).not.toBe(fingerprint(all));
  });
});

test('an optimization that does not exist is refused', () => {
  const build = (given: string) =>
    failure(() => built('tables').build({ topologyOptimization: given as 'all' }));
  expect(build('some')).toMatch(
    /^STREAMS_TOPOLOGY: there is no optimization 'some'.*'none', 'all'/,
  );
});
