import { JoinWindows } from '../../../src/common/join-windows.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import type { KStream } from '../../../src/dsl/kstream.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores } from '../../../src/state/stores.ts';
import { failure } from '../../support/failure.ts';
import { STRINGS } from '../../support/run-topology.ts';

const S = serdes.string;
const store = (name: string) => Stores.keyValue({ name, key: S, value: S });

/** A stream of no known serdes, as JavaScript could pass it where TypeScript would ask for them. */
const unknownSerdes = (builder: StreamsBuilder) =>
  builder.stream('in', STRINGS).map((k, v) => [k, v]) as KStream<string, string>;

describe('a mistake in the use of the DSL is an error from the call or from build(), which names the node', () => {
  test.each<readonly [mistake: string, message: RegExp, describe: (b: StreamsBuilder) => unknown]>([
    [
      'a sink without a serde',
      /no serde for the key is known here.*node KSTREAM-SINK-0000000002/,
      (b) => {
        unknownSerdes(b).to('out');
      },
    ],
    [
      'a store without a serde',
      /no serde for the value of this store.*store sums/,
      (b) =>
        b
          .stream('in', STRINGS)
          .groupByKey()
          .aggregate(
            () => 0,
            () => 1,
            { store: 'sums' } as never,
          ),
    ],
    [
      'a repartition without a serde',
      /no serde for the value is known here.*node x-repartition-source, topic x-repartition/,
      (b) => unknownSerdes(b).groupByKey({ key: S }).count({ store: 'x' }),
    ],
    [
      'a name with a blank',
      /the name of a node 'a b' may have letters/,
      (b) => b.stream('in', { ...STRINGS, name: 'a b' }),
    ],
    [
      'a store name with a slash',
      /the name of a store 'a\/b' may have/,
      (b) => b.table('in', { ...STRINGS, store: 'a/b' }),
    ],
    [
      'a name of 250 characters',
      /has 250 characters; 249 are allowed/,
      (b) => b.stream('in', { ...STRINGS, name: 'x'.repeat(250) }),
    ],
    [
      'a node name given twice',
      /another node has this name.*node twice/,
      (b) =>
        b
          .stream('in', STRINGS)
          .peek(() => undefined, { name: 'twice' })
          .peek(() => undefined, { name: 'twice' }),
    ],
    [
      'a store name given twice',
      /another store is already called 'rows'/,
      (b) => {
        b.table('a', { ...STRINGS, store: 'rows' });
        b.table('b', { ...STRINGS, store: 'rows' });
      },
    ],
    [
      'a repartition name given twice',
      /two operators repartition through 'spread-repartition'/,
      (b) => {
        for (const topic of ['a', 'b']) b.stream(topic, STRINGS).repartition({ name: 'spread' });
      },
    ],
    [
      'no partitions',
      /cannot have 0 partitions/,
      (b) => b.stream('in', STRINGS).repartition({ partitions: 0 }),
    ],
    [
      'a topic as stream and as table',
      /'KSTREAM-SOURCE-0000000000' reads this topic already.*topic in/,
      (b) => {
        b.stream('in', STRINGS);
        b.table('in', STRINGS);
      },
    ],
    [
      'streams of overlapping topics',
      /'KSTREAM-SOURCE-0000000000' reads some of these topics together with others/,
      (b) => {
        b.stream(['a', 'b'], STRINGS);
        b.stream(['b', 'c'], STRINGS);
      },
    ],
    [
      'two starts for one topic',
      /another offsetReset/,
      (b) => {
        b.stream('in', { ...STRINGS, offsetReset: 'latest' });
        b.stream('in', STRINGS);
      },
    ],
    [
      'an unknown store',
      /there is no store 'oops'.*node KSTREAM-PROCESSOR-0000000001/,
      (b) =>
        b
          .stream('in', STRINGS)
          .process({ stores: ['oops'], create: () => ({ process: () => undefined }) }),
    ],
    [
      'a store that nobody uses',
      /no processor uses this store.*store idle/,
      (b) => {
        b.addStateStore(store('idle')).stream('in', STRINGS);
      },
    ],
    [
      'a retention shorter than the windows',
      /retention of 5 ms is shorter than its windows and their grace.*15 ms.*store w/,
      (b) =>
        b
          .stream('in', STRINGS)
          .groupByKey()
          .windowedBy(TimeWindows.of({ size: 10, grace: 5 }))
          .count({ store: 'w', retention: 5 }),
    ],
    [
      'a join with what is no stream or table',
      /joins another KStream, a KTable or a GlobalKTable/,
      (b) => b.stream('in', STRINGS).join({} as never, (v: string) => v),
    ],
    [
      'a join of streams without windows',
      /needs windows/,
      (b) => b.stream('in', STRINGS).join(b.stream('other', STRINGS), (v) => v, {} as never),
    ],
    [
      'a join of a table with a stream',
      /takes another KTable/,
      (b) => b.table('in', STRINGS).join(b.stream('other', STRINGS) as never, (v: string) => v),
    ],
    [
      'a join of streams whose other side has no serde',
      /no serde for the value of this store/,
      (b) => {
        const other = b.stream('other', STRINGS).mapValues((v) => v);
        const windows = JoinWindows.of({ timeDifference: 1 });
        b.stream('in', STRINGS).join(other, (v) => v, windows, {} as never);
      },
    ],
    ['nothing at all', /reads no topic/, () => undefined],
  ])('%s', (_mistake, message, describe) => {
    const text = failure(() => {
      const builder = new StreamsBuilder();
      describe(builder);
      builder.build();
    });
    expect(text).toMatch(/^STREAMS_TOPOLOGY: /);
    expect(text).toMatch(message);
  });
});
