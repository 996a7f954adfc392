import { readFileSync } from 'node:fs';
import { JoinWindows } from '../../../src/common/join-windows.ts';
import type { Consumed } from '../../../src/dsl/options.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';

// Kafka Streams' side: test/fixtures/describe/DescribeJoins.java, the same topologies in the same order.
const fixture = new URL('../../fixtures/describe/joins.txt', `file://${__filename}`);
const expected = new Map(
  readFileSync(fixture, 'utf8')
    .split('== ')
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)] as const;
    }),
);

const S = serdes.string;
const IN: Consumed<string, string> = { key: S, value: S };
const OUT = { key: S, value: S };
const MINUTES = JoinWindows.of({ timeDifference: '1m' });
const both = (x: string | null, y: string | null) => `${String(x)}${String(y)}`;

const topologies: Record<string, (b: StreamsBuilder) => void> = {
  'table-table'(b) {
    const one = b.table('one', IN);
    const two = b.table('two', { ...IN, store: 'two-store' });
    one.join(two, both).toStream().to('a', OUT);
    one.leftJoin(two, both, { name: 'left' }).toStream().to('b', OUT);
    one.outerJoin(two, both, { store: 'outer-store', value: S }).toStream().to('c', OUT);
    one
      .join(two, both, { ...OUT, name: 'both' })
      .toStream()
      .to('d', OUT);
  },
  'table-table-chain'(b) {
    const one = b.table('one', IN);
    const two = b.table('two', IN);
    const three = b.table('three', IN);
    one
      .filter(() => true)
      .join(
        two.mapValues((v) => v),
        both,
      )
      .leftJoin(three, both)
      .toStream((_, v) => String(v))
      .to('a', OUT);
    one
      .join(one, both)
      .toStream((_, v) => String(v), { name: 'streamed' })
      .to('b', OUT);
  },
  'table-stream'(b) {
    const one = b.table('one', IN);
    const two = b.stream('two', IN).toTable();
    b.stream('in', IN).join(one.outerJoin(two, both), both).to('out', OUT);
  },
  'stream-stream'(b) {
    const one = b.stream('one', IN);
    const two = b.stream('two', IN);
    one.join(two, both, MINUTES).to('a', OUT);
    one.leftJoin(two, both, MINUTES).to('b', OUT);
    one.outerJoin(two, both, MINUTES).to('c', OUT);
  },
  'stream-stream-named'(b) {
    const one = b.stream('one', IN);
    const two = b.stream('two', IN);
    one.join(two, both, MINUTES, { name: 'inner' }).to('a', OUT);
    one.leftJoin(two, both, MINUTES, { name: 'left', store: 'kept' }).to('b', OUT);
    one.outerJoin(two, both, MINUTES, { store: 'shared' }).to('c', OUT);
  },
  'stream-stream-rekeyed'(b) {
    const one = b.stream('one', IN).selectKey((_, v) => v);
    const two = b.stream('two', IN).selectKey((_, v) => v);
    one.join(two, both, MINUTES, OUT).to('a', OUT);
    one.leftJoin(two, both, MINUTES, { ...OUT, name: 'named' }).to('b', OUT);
    one.outerJoin(b.stream('three', IN), both, MINUTES, OUT).to('c', OUT);
  },
  'stream-itself'(b) {
    const one = b.stream('one', IN);
    one.join(one, both, MINUTES).to('a', OUT);
    const rekeyed = one.selectKey((_, v) => v);
    rekeyed.join(rekeyed, both, MINUTES, OUT).to('b', OUT);
  },
  'foreign-key'(b) {
    const orders = b.table('orders', IN);
    const users = b.table('users', IN);
    const userOf = (order: string) => order;
    orders.join(users, userOf, both).toStream().to('a', OUT);
    orders
      .leftJoin(users, userOf, both, { ...OUT, store: 'kept' })
      .toStream()
      .to('b', OUT);
  },
  'foreign-key-named'(b) {
    const orders = b.table('orders', { ...IN, store: 'orders-store' });
    const users = b.table('users', IN).filter(() => true);
    const userOf = (order: string) => order;
    orders.join(users, userOf, both, { name: 'fk' }).toStream().to('a', OUT);
    orders
      .leftJoin(users, userOf, both, { ...OUT, name: 'other' })
      .mapValues((v) => v)
      .toStream()
      .to('b', OUT);
  },
};

describe("describe() prints Kafka Streams' text of", () => {
  test.each(Object.keys(topologies))('%s', (name) => {
    const builder = new StreamsBuilder();
    topologies[name]?.(builder);
    expect(builder.build().describe()).toBe(expected.get(name));
  });

  test('every topology of the fixture', () => {
    expect(Object.keys(topologies)).toEqual([...expected.keys()]);
  });
});
