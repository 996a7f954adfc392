import type { ProcessorSupplier } from '../../../src/processor/processor.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores } from '../../../src/state/stores.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { failure } from '../../support/failure.ts';

const S = serdes.string;
const IN = { key: S, value: S };
const pass: ProcessorSupplier<string, string> = { create: () => ({ process: () => undefined }) };
const store = (name: string) => Stores.keyValue({ name, key: S, value: S });
const globalStore = (name: string) => Stores.keyValue({ name, key: S, value: S, logging: false });

/** `in` to `p`, to build mistakes on. */
const started = () => new Topology().addSource('in', 'topic').addProcessor('p', pass, 'in');

describe('a mistake in a topology is an error that names the node or store and what to do', () => {
  test.each<readonly [mistake: string, message: RegExp, build: () => unknown]>([
    ['no source', /reads no topic/, () => new Topology().plan()],
    [
      'a name given twice',
      /another node has this name.*node p/,
      () => started().addProcessor('p', pass, 'in'),
    ],
    ['an empty name', /a node needs a name/, () => started().addProcessor('', pass, 'in')],
    [
      'an unknown parent',
      /parent 'oops' is not there.*node q/,
      () => started().addProcessor('q', pass, 'oops'),
    ],
    ['no parent', /at least one parent.*node q/, () => started().addProcessor('q', pass, [])],
    ['a cycle', /own parent.*node q/, () => started().addProcessor('q', pass, 'q')],
    [
      'a sink as a parent',
      /'s' is a sink.*node q/,
      () => started().addSink('s', 'out', 'p').addProcessor('q', pass, 's'),
    ],
    [
      'a topic read twice',
      /'in' reads this topic already.*node again.*topic topic/,
      () => started().addSource('again', 'topic'),
    ],
    [
      'a source without a topic',
      /at least one topic.*node empty/,
      () => started().addSource('empty', []),
    ],
    [
      'a sink without a topic',
      /a sink needs a topic.*node s/,
      () => started().addSink('s', '', 'p'),
    ],
    [
      'two stores of one name',
      /another store is already called 'a'/,
      () => started().addStateStore(store('a'), 'p').addStateStore(store('a'), 'p'),
    ],
    [
      'an unknown store',
      /there is no store 'a'.*node p/,
      () => started().connectProcessorAndStateStores('p', 'a'),
    ],
    [
      'a store for no processor',
      /there is no processor 'q'.*store a/,
      () => started().addStateStore(store('a'), 'q'),
    ],
    [
      'a store for a source',
      /a source cannot have a store.*node in/,
      () => started().addStateStore(store('a'), 'in'),
    ],
    [
      'a store that nobody uses',
      /no processor uses this store.*store a/,
      () => started().addStateStore(store('a')).plan(),
    ],
    [
      'a global store that logs',
      /`logging: false`.*store g/,
      () => started().addGlobalStore(store('g'), GLOBAL),
    ],
    [
      'a global store that is connected',
      /'g' is global/,
      () =>
        started().addGlobalStore(globalStore('g'), GLOBAL).connectProcessorAndStateStores('p', 'g'),
    ],
  ])('%s', (_mistake, message, build) => {
    expect(failure(build)).toMatch(/^STREAMS_TOPOLOGY: /);
    expect(failure(build)).toMatch(message);
  });
});

const GLOBAL = {
  ...IN,
  topic: 'g-topic',
  sourceName: 'g-source',
  processorName: 'g-writer',
  processor: pass,
};

describe('the plan', () => {
  test('sub-topologies are sets connected by edges or stores, numbered by their first node', () => {
    const plan = new Topology()
      .addSource('a', 'topic-a')
      .addSource('b', 'topic-b')
      .addSource('c', 'topic-c')
      .addProcessor('pb', pass, 'b')
      .addProcessor('pc', pass, 'c')
      .addProcessor('pa', pass, 'a')
      .addStateStore(store('shared'), 'pc', 'pa')
      .plan();
    const groups = plan.subtopologies.map(({ id, nodes }) => [id, nodes.map(({ name }) => name)]);
    expect(groups).toEqual([
      [0, ['a', 'c', 'pc', 'pa']],
      [1, ['b', 'pb']],
    ]);
    expect(plan.subtopologies[0]?.stores.map(({ name }) => name)).toEqual(['shared']);
  });

  test('a global store takes a number, runs in no task, and is readable by every processor', () => {
    const plan = new Topology()
      .addGlobalStore(globalStore('g'), GLOBAL)
      .addSource('in', 'topic')
      .addProcessor('p', pass, 'in')
      .plan();
    expect(plan.subtopologies.map(({ id }) => id)).toEqual([1]);
    expect(plan.subtopologies[0]?.nodes[1]).toMatchObject({ name: 'p', stores: ['g'] });
    expect(plan.globalStores).toMatchObject([
      { source: { topics: ['g-topic'] }, processor: { name: 'g-writer', stores: ['g'] } },
    ]);
  });

  test('nodes know their children in the order in which they were added', () => {
    const plan = started().addSink('s2', 'out', ['in', 'p']).addSink('s1', 'out', 'p').plan();
    expect(plan.subtopologies[0]?.nodes).toMatchObject([
      { name: 'in', children: ['p', 's2'] },
      { name: 'p', children: ['s2', 's1'] },
      { name: 's2' },
      { name: 's1' },
    ]);
    expect(plan.subtopologies[0]?.sinkTopics).toEqual(['out']);
  });

  test('is frozen, and made anew by each call', () => {
    const topology = started();
    const plan = topology.plan();
    const [subtopology] = plan.subtopologies;
    for (const part of [
      plan,
      plan.subtopologies,
      subtopology,
      subtopology?.nodes,
      subtopology?.nodes[0],
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(topology.addSink('s', 'out', 'p').plan().subtopologies[0]?.nodes).toHaveLength(3);
    expect(subtopology?.nodes).toHaveLength(2);
  });

  test('joins put the topics that must have equal partition counts into one group, transitively', () => {
    const builder = new StreamsBuilder();
    const clicks = builder.stream('clicks', IN);
    const users = builder.table('users', IN);
    const cities = builder.table('cities', IN);
    builder.stream('apart', IN).to('out', IN);
    clicks.join(users, (c) => c).to('a', IN);
    clicks
      .selectKey((_, v) => v)
      .join(cities, (c) => c, { key: S, name: 'by-city' })
      .to('b', IN);
    clicks.join(cities, (c) => c).to('c', IN);
    const [first, second] = builder.build().plan().subtopologies;
    expect(first?.copartitionGroups.map((group) => [...group].sort())).toEqual([
      ['by-city-repartition', 'cities', 'clicks', 'users'],
    ]);
    expect(second?.copartitionGroups).toEqual([]);
  });

  test('a stream that shares the source of another stays in the group of its join', () => {
    const builder = new StreamsBuilder();
    builder.stream('in', IN).to('out', IN);
    const table = builder.table('table', IN);
    builder
      .stream('in', IN)
      .join(table, (v) => v)
      .to('joined', IN);
    const [subtopology] = builder.build().plan().subtopologies;
    expect(subtopology?.copartitionGroups).toEqual([['in', 'table']]);
  });

  test('repartition topics of one join with different partition counts are refused', () => {
    const builder = new StreamsBuilder();
    const left = builder.stream('l', IN).repartition({ name: 'left', partitions: 2 });
    const right = builder.stream('r', IN).repartition({ name: 'right', partitions: 3 }).toTable();
    left.join(right, (l) => l).to('out', IN);
    expect(failure(() => builder.build())).toMatch(
      /STREAMS_TOPOLOGY: .*'left-repartition' was given 2 and 'right-repartition' 3/,
    );
  });
});
