import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import type { KStream } from '../../../src/dsl/kstream.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

/** Through one operator, from `in` to `out`. */
const through =
  (operator: (stream: KStream<string, string>) => KStream<string, string, never>) =>
  (builder: StreamsBuilder): void => {
    operator(builder.stream('in', STRINGS)).to('out', STRINGS);
  };

const run = async (
  operator: (stream: KStream<string, string>) => KStream<string, string, never>,
  ...records: string[]
) => (await runTopology(through(operator), records)).out;

describe('stateless operators', () => {
  test('filter and filterNot let records through as they are, null keys and values too', async () => {
    const nulls = (stream: KStream<string, string>) =>
      stream.filter((k: string | null, v: string | null) => k === null || v === null);
    expect(await run(nulls, 'in a=1@5', 'in -=2@6', 'in b=-@7')).toEqual(['null=2@6', 'b=null@7']);
    const notOne = (stream: KStream<string, string>) => stream.filterNot((_, v) => v === '1');
    expect(await run(notOne, 'in a=1', 'in a=2@3')).toEqual(['a=2@3']);
  });

  test('map, mapValues and selectKey keep the timestamp', async () => {
    expect(await run((s) => s.map((k, v) => [v, k]), 'in a=1@5')).toEqual(['1=a@5']);
    expect(await run((s) => s.mapValues((v, k) => v + k), 'in a=1@5')).toEqual(['a=1a@5']);
    expect(await run((s) => s.selectKey((k, v) => k + v), 'in a=1@5')).toEqual(['a1=1@5']);
  });

  test('flatMap and flatMapValues give their results in order, none for an empty list', async () => {
    const pairs = (s: KStream<string, string>) =>
      s.flatMap((k, v) => v.split('').map((each) => [each, k] as const));
    expect(await run(pairs, 'in a=12@5', 'in b=@6')).toEqual(['1=a@5', '2=a@5']);
    expect(await run((s) => s.flatMapValues((v) => v), 'in a=12@5')).toEqual(['a=1@5', 'a=2@5']);
  });

  test('peek sees each record before what follows, foreach ends a stream', async () => {
    const seen: string[] = [];
    const { out } = await runTopology(
      (builder) => {
        const input = builder.stream('in', STRINGS);
        input
          .peek((k, v) => seen.push(`peek ${k}${v}`))
          .foreach((k) => {
            seen.push(`foreach ${k}`);
          });
        input.to('out');
      },
      ['in a=1', 'in b=2'],
    );
    expect(seen).toEqual(['peek a1', 'foreach a', 'peek b2', 'foreach b']);
    expect(out).toHaveLength(2);
  });

  test('merge takes the records of both streams as they come', async () => {
    const merged = (builder: StreamsBuilder) => {
      builder.stream('in', STRINGS).merge(builder.stream('other', STRINGS)).to('out', STRINGS);
    };
    const { out } = await runTopology(merged, ['in a=1@5', 'other a=2@4', 'in a=3@3']);
    expect(out).toEqual(['a=1@5', 'a=2@4', 'a=3@3']);
  });

  test('to writes each record to the topic that a function names for it', async () => {
    const routed = (builder: StreamsBuilder) => {
      builder.stream('in', STRINGS).to((_, v) => (v === '1' ? 'out' : 'elsewhere'));
    };
    expect((await runTopology(routed, ['in a=1', 'in b=2'])).out).toEqual(['a=1@0']);
  });

  test('two streams of one topic are one source, each with the operators of its own', async () => {
    const twice = (builder: StreamsBuilder) => {
      builder
        .stream('in', STRINGS)
        .mapValues((v) => `${v}!`)
        .to('out', STRINGS);
      builder
        .stream('in', STRINGS)
        .mapValues((v) => `${v}?`)
        .to('out', STRINGS);
    };
    expect((await runTopology(twice, ['in a=1'])).out).toEqual(['a=1!@0', 'a=1?@0']);
  });
});

describe('a function that returns what it must not fails with a sentence', () => {
  // Casts: TypeScript would refuse these functions, JavaScript does not.
  const nothing = (): string => undefined as never;
  const promise = (): string => Promise.resolve('x') as never;
  const noPair = (): readonly [string, string] => undefined as never;
  const promised = (): readonly [string, string] => Promise.resolve(['k', 'v']) as never;
  const half = (): readonly [string, string] => ['only a key'] as never;
  const forgot = /returned undefined: did you forget `return`\? null means no value/;
  const waits = /returned a promise: functions of the DSL are synchronous.*async Processor/;

  test.each<
    readonly [string, RegExp, (stream: KStream<string, string>) => KStream<string, string, never>]
  >([
    ['filter', forgot, (s) => s.filter(() => undefined as never)],
    ['map', forgot, (s) => s.map(noPair)],
    ['the value of map', forgot, (s) => s.map(() => ['k', nothing()])],
    ['mapValues', forgot, (s) => s.mapValues(nothing)],
    ['selectKey', forgot, (s) => s.selectKey(nothing)],
    ['flatMap', forgot, (s) => s.flatMap(() => [noPair()])],
    ['an item of flatMapValues', forgot, (s) => s.flatMapValues(() => [nothing()])],
    ['async filter', waits, (s) => s.filter(() => Promise.resolve(true) as never)],
    ['async map', waits, (s) => s.map(promised)],
    ['async mapValues', waits, (s) => s.mapValues(promise)],
    ['async peek', waits, (s) => s.peek(promise)],
    ['map to half a pair', /must return \[key, value\]/, (s) => s.map(half)],
  ])('%s', async (_name, message, operator) => {
    await expect(run(operator, 'in a=1')).rejects.toMatchObject({
      code: 'STREAMS_PROCESSING',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('repartition', () => {
  test('drops and counts a record without a key, which Kafka Streams drops silently', async () => {
    const { out, dropped } = await runTopology(
      through((stream) => stream.repartition() as KStream<string, string, never>),
      ['in a=1@5', 'in -=2@6'],
    );
    expect(out).toEqual(['a=1@5']);
    expect(dropped).toEqual({ 'null-key': 1 });
  });

  test('lets it through where a left join below gives a result for it', async () => {
    const { out, dropped } = await runTopology(
      (builder) => {
        const table = builder.table('table', STRINGS);
        builder
          .stream('in', STRINGS)
          .selectKey((_, v) => (v === '2' ? null : v) as string)
          .leftJoin(table, (v, row) => `${v}+${row ?? 'none'}`, STRINGS)
          .to('out', STRINGS);
      },
      ['table 1=one', 'in a=1@5', 'in b=2@6'],
    );
    expect(out).toEqual(['1=1+one@5', 'null=2+none@6']);
    expect(dropped).toEqual({});
  });
});
