import { readFileSync } from 'node:fs';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import type { Consumed } from '../../../src/dsl/options.ts';
import type { Processor, ProcessorSupplier } from '../../../src/processor/processor.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores } from '../../../src/state/stores.ts';
import { Topology } from '../../../src/topology/topology.ts';

// Kafka Streams' side: test/fixtures/describe/DescribeTopologies.java, the same topologies in the same order.
const sections = readFileSync(new URL('../../fixtures/describe/describe.txt', pathToHere()), 'utf8')
  .split('== ')
  .slice(1)
  .map((section) => {
    const end = section.indexOf('\n');
    return [section.slice(0, end), section.slice(end + 1)] as const;
  });
const expected = new Map(sections);

function pathToHere(): string {
  return `file://${__filename}`;
}

const S = serdes.string;
const IN: Consumed<string, string> = { key: S, value: S };
const OUT = { key: S, value: S };
const COUNTS = { key: S, value: serdes.long };
const MINUTES = TimeWindows.of({ size: '1m', grace: '5s' });

function pass(
  name?: string,
  ...stores: string[]
): ProcessorSupplier<string, string, string, string> {
  const create = (): Processor<string, string> => ({ process: () => undefined });
  return name === undefined ? { stores, create } : { name, stores, create };
}

const store = (name: string) => Stores.keyValue({ name, key: S, value: S });

const topologies: Record<string, (b: StreamsBuilder) => void> = {
  stateless(b) {
    const input = b.stream('in', IN);
    input
      .filter(() => true)
      .filterNot(() => false)
      .map((k, v) => [k, v])
      .mapValues((v) => v)
      .flatMap((k, v) => [[k, v]])
      .flatMapValues((v) => [v])
      .selectKey((_, v) => v)
      .peek(() => undefined)
      .to('out', OUT);
    input.foreach(() => undefined);
  },
  'fan-out'(b) {
    const input = b.stream(['one', 'two', 'three'], IN);
    input.filter(() => true).to('a', OUT);
    input
      .mapValues((v) => v)
      .filter(() => true)
      .to('b', OUT);
    input
      .peek(() => undefined)
      .peek(() => undefined)
      .peek(() => undefined)
      .to('c', OUT);
    const deep = input.filter(() => true).filter(() => true);
    deep.to('d', OUT);
    deep.to('e', OUT);
    deep.peek(() => undefined).to('f', OUT);
    input.to('g', OUT);
  },
  wide(b) {
    const input = b.stream('in', IN);
    for (let i = 0; i < 24; i++) {
      let branch = input.peek(() => undefined);
      for (let j = 0; j < (i * 7) % 5; j++) {
        branch = branch.peek(() => undefined);
        if (i % 3 === 0) branch.to(`side-${i}-${j}`, OUT);
      }
      branch.to(`out-${i}`, OUT);
    }
  },
  'word-count'(b) {
    b.stream('lines', IN)
      .flatMapValues((v) => v.split(' '))
      .groupBy((_, v) => v, OUT)
      .count({ store: 'counts' })
      .toStream()
      .to('out');
  },
  'count-unnamed'(b) {
    const grouped = b.stream('in', IN).groupByKey();
    grouped.count().toStream().to('a', COUNTS);
    grouped.count({ name: 'counted' }).toStream().to('b', COUNTS);
    grouped.count({ caching: false }).toStream().to('c', COUNTS);
  },
  'reduce-and-aggregate'(b) {
    const grouped = b
      .stream('in', IN)
      .map((k, v) => [k, v])
      .groupByKey(OUT);
    grouped
      .reduce((_, v) => v)
      .toStream()
      .to('a', OUT);
    grouped
      .aggregate(
        () => '',
        (_k, v) => v,
        { value: S },
      )
      .toStream()
      .to('b', OUT);
  },
  'named-group'(b) {
    const grouped = b.stream('in', IN).groupBy((_, v) => v, { ...OUT, name: 'by-value' });
    grouped.count().toStream().to('a', COUNTS);
    grouped
      .reduce((_, v) => v)
      .toStream()
      .to('b', OUT);
  },
  windows(b) {
    const windowed = b.stream('in', IN).groupByKey().windowedBy(MINUTES);
    const inner = { key: S };
    windowed
      .count()
      .toStream()
      .selectKey((w) => w.key)
      .to('a', inner);
    windowed
      .count({ store: 'windowed-counts' })
      .toStream()
      .selectKey((w) => w.key)
      .to('b', inner);
    windowed
      .reduce((_, v) => v)
      .toStream()
      .selectKey((w) => w.key)
      .to('c', inner);
    windowed
      .aggregate(
        () => '',
        (_k, v) => v,
        { value: S },
      )
      .toStream()
      .selectKey((w) => w.key)
      .to('d', inner);
  },
  'stream-table-join'(b) {
    const users = b.table('users', IN);
    const clicks = b.stream('clicks', IN);
    clicks.join(users, (c, u) => c + u).to('a', OUT);
    const rekeyed = clicks.selectKey((_, v) => v);
    rekeyed.leftJoin(users, (c, u) => `${c}${u ?? ''}`, OUT).to('b', OUT);
    rekeyed.join(users, (c, u) => c + u, OUT).to('c', OUT);
    rekeyed.join(users, (c, u) => c + u, { ...OUT, name: 'named-join' }).to('d', OUT);
  },
  'global-table-join'(b) {
    const airports = b.globalTable('airports', IN);
    const carriers = b.globalTable('carriers', { ...IN, store: 'carriers-store' });
    b.stream('flights', IN)
      .join(
        airports,
        (_, v) => v,
        (f, a) => f + a,
      )
      .leftJoin(
        carriers,
        (_, v) => v,
        (f, c) => `${f}${c ?? ''}`,
        { name: 'with-carrier' },
      )
      .to('out', OUT);
  },
  merge(b) {
    const one = b.stream('one', IN);
    const two = b.stream('two', IN);
    const again = b.stream('one', IN);
    one
      .merge(two)
      .merge(again.mapValues((v) => v))
      .to('out', OUT);
    again.merge(one, { name: 'twice' }).to('twice', OUT);
  },
  repartition(b) {
    const input = b.stream('in', IN);
    input.repartition().to('a', OUT);
    input
      .repartition({ name: 'by-key', partitions: 3 })
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .to('b');
  },
  processors(b) {
    const names = ['first', 'second', 'third', 'a-store-with-a-long-name'];
    for (const name of names) b.addStateStore(store(name));
    const one = b.stream('one', IN);
    const two = b.stream('two', IN);
    one.process(pass(undefined, ...names)).to('a', OUT);
    two.process(pass('sharer', 'first')).to('b', OUT);
    b.stream('three', IN).process(pass()).groupByKey(OUT).count({ store: 'counts' });
  },
  tables(b) {
    const table = b.table('in', IN);
    table
      .filter(() => true)
      .toStream()
      .to('a', OUT);
    const stored = table.mapValues((v) => v, { store: 'mapped', value: S });
    stored
      .filterNot(() => true, OUT)
      .toStream()
      .to('b', OUT);
    stored.toStream({ name: 'streamed' }).to('c', OUT);
    b.table('other', { ...IN, store: 'other-store' })
      .mapValues((v) => v, { name: 'mapper' })
      .toStream()
      .to('d', OUT);
  },
  'grouped-table'(b) {
    const table = b.table('in', IN);
    table
      .groupBy((k, v) => [v, k], OUT)
      .count()
      .toStream()
      .to('a', COUNTS);
    table
      .groupBy((k, v) => [v, k], { ...OUT, name: 'by-value' })
      .reduce(
        (_, v) => v,
        (a) => a,
        { store: 'reduced' },
      )
      .toStream()
      .to('b', OUT);
    table
      .groupBy((k, v) => [v, k], OUT)
      .aggregate(
        () => '',
        (_k, _v, a) => a,
        (_k, _v, a) => a,
        { name: 'folded', value: S },
      )
      .toStream()
      .to('c', OUT);
  },
  'to-table'(b) {
    const input = b.stream('in', IN);
    input.toTable().toStream().to('a', OUT);
    input.toTable({ store: 'kept' }).toStream().to('b', OUT);
    input
      .selectKey((_, v) => v)
      .toTable({ ...OUT, name: 'rekeyed' })
      .toStream()
      .to('c', OUT);
  },
  named(b) {
    const input = b.stream('in', { ...IN, name: 'source' });
    const table = b.table('rows', { ...IN, name: 'rows-table', store: 'rows-store' });
    input
      .filter(() => true, { name: 'only-good' })
      .mapValues((v) => v, { name: 'upper' })
      .join(table, (v, r) => v + r, { name: 'with-row' })
      .groupByKey({ ...OUT, name: 'grouped' })
      .windowedBy(MINUTES)
      .count({ name: 'count', store: 'counts' })
      .toStream({ name: 'changes' })
      .selectKey((w) => w.key, { name: 'inner-key' })
      .to('out', { ...COUNTS, name: 'sink' });
  },
};

describe("describe() prints Kafka Streams' text of", () => {
  test.each(Object.keys(topologies))('%s', (name) => {
    const builder = new StreamsBuilder();
    topologies[name]?.(builder);
    expect(builder.build().describe()).toBe(expected.get(name));
  });

  test('a topology made of processors', () => {
    const topology = new Topology()
      .addSource('z-source', ['z', 'y', 'x'], OUT)
      .addSource('lone', 'lone-topic', OUT)
      .addProcessor('p1', pass(), 'z-source')
      .addProcessor('p2', pass(), ['z-source', 'p1'])
      .addProcessor('p3', pass(), 'lone')
      .addStateStore(store('shared'), 'p2', 'p3')
      .addStateStore(store('own'), 'p3')
      .addSink('s1', 'out-1', ['p1', 'p2'])
      .addSink('s2', 'out-2', 'p3')
      .addSource('apart', 'apart-topic', OUT)
      .addSink('s3', 'out-3', 'apart');
    expect(topology.describe()).toBe(expected.get('topology'));
  });

  test('every topology of the fixture', () => {
    expect([...Object.keys(topologies), 'topology']).toEqual([...expected.keys()]);
  });

  test('the same builder twice', () => {
    const builder = new StreamsBuilder();
    topologies['merge']?.(builder);
    topologies['named-group']?.(builder);
    expect(builder.build().describe()).toBe(builder.build().describe());
  });
});
