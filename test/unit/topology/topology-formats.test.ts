import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { KafkaStreams } from '../../../src/kafka-streams.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores } from '../../../src/state/stores.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { checkExplicitNames } from '../../../src/topology/explicit-names.ts';
import { internalTopics } from '../../../src/topology/internal-topics.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { failure } from '../../support/failure.ts';
import { STRINGS } from '../../support/run-topology.ts';

/** Counts words and routes the counts, beside a global table. */
function counting() {
  const builder = new StreamsBuilder();
  builder.globalTable('names', { ...STRINGS, store: 'names-store' });
  builder
    .stream(/lines-.+/, STRINGS)
    .groupBy((_, word) => word, STRINGS)
    .count({ store: 'counts' })
    .toStream()
    .to(function route() {
      return 'out';
    });
  return builder.build();
}

describe('a topology as data', () => {
  test('has every node with its neighbours, topics and stores', () => {
    const data = JSON.parse(JSON.stringify(counting())) as ReturnType<Topology['toJSON']>;
    expect(data.subtopologies.map(({ id, isGlobal }) => [id, isGlobal])).toEqual([
      [0, true],
      [1, false],
      [2, false],
    ]);
    const nodes = data.subtopologies.flatMap((subtopology) => subtopology.nodes);
    expect(nodes.find(({ name }) => name === 'KSTREAM-AGGREGATE-0000000004')).toEqual({
      name: 'KSTREAM-AGGREGATE-0000000004',
      kind: 'processor',
      topics: [],
      stores: ['counts'],
      predecessors: ['counts-repartition-source'],
      successors: ['KTABLE-TOSTREAM-0000000008'],
    });
    const topics = nodes.filter(({ kind }) => kind !== 'processor').map((node) => node.topics);
    expect(topics.flat().sort()).toEqual([
      '/lines-.+/',
      'counts-repartition',
      'counts-repartition',
      'names',
      'route()',
    ]);
  });

  test('as a Mermaid flowchart connects sub-topologies through their topics', () => {
    const text = new Topology()
      .addSource('in "quoted"', 'a-topic', STRINGS)
      .addProcessor(
        'count',
        { create: () => ({ process: () => undefined }), stores: [keyValue('counts')] },
        'in "quoted"',
      )
      .addSink('out', 'middle', 'count', STRINGS)
      .addSource('again', 'middle', STRINGS)
      .toMermaid();
    expect(text.split('\n')).toEqual([
      'flowchart TD',
      '  subgraph "Sub-topology 0"',
      '    node0["in #quot;quoted#quot;"]',
      '    node1["count"]',
      '    node2["out"]',
      '    store3[("counts")]',
      '  end',
      '  subgraph "Sub-topology 1"',
      '    node4["again"]',
      '  end',
      '  topic5(["a-topic"])',
      '  topic6(["middle"])',
      '  topic5 --> node0',
      '  node0 --> node1',
      '  node1 --> node2',
      '  node1 -.- store3',
      '  node2 --> topic6',
      '  topic6 --> node4',
      '',
    ]);
  });
});

const keyValue = (name: string, logging: false | object = {}) =>
  Stores.keyValue({ name, key: serdes.string, value: serdes.string, logging });

describe('explicit names', () => {
  const problems = (describe: (builder: StreamsBuilder) => void): string => {
    const builder = new StreamsBuilder();
    describe(builder);
    return failure(() => {
      checkExplicitNames(builder.build().plan());
    });
  };

  test('are asked for of every store and repartition topic that has a generated one', () => {
    const text = problems((b) => {
      const rekeyed = b.stream('in', STRINGS).selectKey((_, v) => v);
      rekeyed.groupByKey(STRINGS).count();
      rekeyed.repartition(STRINGS).to('out');
      b.table('rows', STRINGS)
        .groupBy((k, v) => [v, k], STRINGS)
        .count({ store: 'named' });
    });
    expect(text).toMatch(/^STREAMS_TOPOLOGY: ensureExplicitInternalResourceNaming is set/);
    expect(text).toContain('the store KSTREAM-AGGREGATE-STATE-STORE-0000000002');
    expect(text).toContain('the topic KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition');
    expect(text).toMatch(/the topic KSTREAM-REPARTITION-\d{10}-repartition/);
    expect(text).toMatch(/the store rows-STATE-STORE-\d{10}/);
    expect(text).not.toContain('named');
  });

  test('are enough; what keeps nothing needs none', () => {
    expect(
      problems((b) => {
        b.stream('in', STRINGS)
          .filter(() => true)
          .groupBy((_, v) => v, { ...STRINGS, name: 'by-value' })
          .count({ store: 'counts' });
      }),
    ).toBe('nothing was thrown');
  });

  test('are checked by the driver and the application, where the option says so', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', STRINGS).groupByKey().count();
    const topology = builder.build();
    const config = { ensureExplicitInternalResourceNaming: true };
    await expect(TopologyTestDriver.create(topology, { config })).rejects.toThrow(/is set/);
    const options = { ...config, applicationId: 'app', brokers: ['none:9092'] };
    expect(failure(() => new KafkaStreams(topology, options))).toMatch(/is set/);
    await using driver = await TopologyTestDriver.create(topology);
    expect(driver.wallClockMs).toBe(0);
  });
});

describe('stores that a topic fills', () => {
  test('a read-only store has its topic for a changelog, and others read it', async () => {
    const topology = new Topology().addReadOnlyStateStore(keyValue('rows'), {
      ...STRINGS,
      topic: 'rows-topic',
      sourceName: 'rows-source',
      processorName: 'rows-keeper',
      processor: {
        create: (context) => {
          const rows = context.keyValueStore<string, string>('rows');
          return {
            process: ({ key, value }) => {
              rows.put(key, value);
            },
          };
        },
      },
    });
    topology
      .addSource('in', 'in', STRINGS)
      .addProcessor<string, string, string, string>(
        'reader',
        {
          stores: ['rows'],
          create: (context) => {
            const rows = context.keyValueStore<string, string>('rows');
            return {
              process: (record) => {
                context.forward(record.withValue(rows.get(record.key) ?? 'none'));
              },
            };
          },
        },
        'in',
      )
      .addSink('out', 'out', 'reader', STRINGS);
    expect(internalTopics(topology.plan(), { applicationId: 'app' })).toEqual([]);
    await using driver = await TopologyTestDriver.create(topology);
    await driver.createInputTopic('rows-topic', STRINGS).pipe({ key: 'k', value: 'row' });
    await driver.createInputTopic('in', STRINGS).pipe({ key: 'k', value: '' });
    expect(driver.createOutputTopic('out', STRINGS).readKeyValues()).toEqual([['k', 'row']]);
    expect([...driver.producedTopicNames]).toEqual(['out']);
  });

  test('a global store of the DSL is kept by its own processor, and read by every other', async () => {
    const builder = new StreamsBuilder();
    builder.addGlobalStore(keyValue('upper', false), 'names', STRINGS, {
      create: (context) => {
        const names = context.keyValueStore<string, string>('upper');
        return {
          process: ({ key, value }) => {
            names.put(key, value.toUpperCase());
          },
        };
      },
    });
    builder
      .stream('in', STRINGS)
      .processValues<string>({
        create: (context) => {
          const names = context.keyValueStore<string, string>('upper');
          return {
            process: (record) => {
              context.forward(record.withValue(names.get(record.value) ?? 'nobody'));
              if (record.value === 'write') names.put('k', 'v');
            },
          };
        },
      })
      .to('out', STRINGS);
    const topology = builder.build();
    expect(topology.describe()).toContain('for global store');
    await using driver = await TopologyTestDriver.create(topology);
    await driver.createInputTopic('names', STRINGS).pipe({ key: '1', value: 'ann' });
    const input = driver.createInputTopic('in', STRINGS);
    await input.pipe({ key: 'k', value: '1' });
    expect(driver.createOutputTopic('out', STRINGS).readKeyValues()).toEqual([['k', 'ANN']]);
    await expect(input.pipe({ key: 'k', value: 'write' })).rejects.toThrow(/upper/);
  });

  test('a global store that logs is refused', () => {
    const builder = new StreamsBuilder();
    builder.addGlobalStore(keyValue('rows'), 'names', STRINGS, {
      create: () => ({ process: () => undefined }),
    });
    expect(failure(() => builder.build())).toMatch(/build it with `logging: false`.*store rows/);
  });
});
