import { Change } from '../../../src/common/change.ts';
import { StreamRecord } from '../../../src/common/record.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import { streamAggregate } from '../../../src/operators/stream-aggregate.ts';
import { streamReduce } from '../../../src/operators/stream-reduce.ts';
import { tableAggregate } from '../../../src/operators/table-aggregate.ts';
import { windowedAggregate } from '../../../src/operators/windowed-aggregate.ts';
import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { logAndContinue } from '../../../src/processor/error-handlers.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

const json = serdes.json<{ items: string[] }>();

/** Collects the values of each key; `!` deletes, `throw` fails after it has changed the aggregate. */
const collect = (caching: boolean) => (builder: StreamsBuilder) => {
  builder
    .stream('in', STRINGS)
    .groupByKey()
    .aggregate(
      () => ({ items: [] as string[] }),
      (_key, value, list) => {
        if (value === '!') return null;
        list.items.push(value);
        if (value === 'throw') throw new Error('on purpose');
        return list;
      },
      { value: json, store: 'lists', caching },
    )
    .toStream()
    .mapValues((list) => list?.items.join('') ?? null)
    .to('out', { value: serdes.string });
};

describe('aggregate of a stream', () => {
  test('starts from the initializer and is as recent as its most recent record', async () => {
    const { out } = await runTopology(collect(true), [
      'in a=1@5',
      'in b=2@3',
      'in a=3@4',
      'in a=4@9',
    ]);
    expect(out).toEqual(['a=1@5', 'b=2@3', 'a=13@5', 'a=134@9']);
  });

  test('null deletes the row, and the next record starts again with its own timestamp', async () => {
    const records = ['in a=1@9', 'in a=!@5', 'in a=2@3'];
    const { out } = await runTopology(collect(false), records);
    expect(out).toEqual(['a=1@9', 'a=null@9', 'a=2@3']);
    // From a cache, a deletion has the time of the record that caused it, as in Kafka Streams.
    const cached = await runTopology(collect(true), records);
    expect(cached.out).toEqual(['a=1@9', 'a=null@5', 'a=2@3']);
  });

  test('a record without a key or a value changes nothing', async () => {
    const { out, dropped } = await runTopology(collect(true), [
      'in a=1',
      'in -=2',
      'in a=-',
      'in a=3',
    ]);
    expect(out).toEqual(['a=1@0', 'a=13@0']);
    expect(dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test.each([true, false])(
    'an aggregator that failed leaves no trace of what it changed (caching %s)',
    async (caching) => {
      const { out } = await runTopology(collect(caching), ['in a=1', 'in a=throw', 'in a=2'], {
        config: { processingExceptionHandler: logAndContinue },
      });
      expect(out).toEqual(['a=1@0', 'a=12@0']);
    },
  );
});

describe('a function that throws', () => {
  test('has the store forget the object that it may have changed', () => {
    const disowned: unknown[] = [];
    const row = { value: { n: 1 }, timestampMs: 0 };
    const store = {
      getOwn: () => row,
      disown: (...at: unknown[]) => disowned.push(at),
      listen: () => undefined,
    };
    // No more of a context than these operators ask for.
    const context = { tableStore: () => store, windowTableStore: () => store } as never;
    const fail = () => {
      throw new Error('on purpose');
    };
    const options = { store: 's', sendOldValues: false, initializer: fail, aggregator: fail };
    const windows = TimeWindows.of({ size: 10 });
    const operators = [
      streamAggregate(options)(context),
      streamReduce({ ...options, reducer: fail })(context),
      windowedAggregate({ ...options, windows, emit: 'onWindowUpdate' })(context),
      tableAggregate({ ...options, first: fail, adder: fail, subtractor: fail })(context),
    ];
    const values = ['v', 'v', 'v', new Change('new', 'old')];
    for (const [index, operator] of operators.entries()) {
      const record = new StreamRecord('a', values[index], 15);
      expect(() => operator.process(record as never)).toThrow('on purpose');
    }
    expect(disowned).toEqual([['a'], ['a'], ['a', 10], ['a']]);
  });
});

describe('reduce of a stream', () => {
  const reduced = (builder: StreamsBuilder) => {
    builder
      .stream('in', STRINGS)
      .groupByKey()
      .reduce((all, value) => (value === '!' ? null : all + value))
      .toStream()
      .to('out');
  };

  test('takes the first value as it is, without the reducer', async () => {
    const { out } = await runTopology(reduced, ['in a=!@5', 'in a=1@3', 'in a=!@2', 'in a=2@1']);
    expect(out).toEqual(['a=!@5', 'a=!1@5', 'a=null@2', 'a=2@1']);
  });

  test('a record without a key or a value changes nothing', async () => {
    const { out, dropped } = await runTopology(reduced, ['in -=1', 'in a=-']);
    expect(out).toEqual([]);
    expect(dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });
});

describe('count', () => {
  test('is kept as a long, and survives a repartition', async () => {
    const { out } = await runTopology(
      (builder) => {
        builder
          .stream('in', STRINGS)
          .groupBy((_, value) => value, { key: serdes.string })
          .count()
          .toStream()
          .mapValues(String)
          .to('out', STRINGS);
      },
      ['in a=x@1', 'in b=x@2', 'in c=y@3'],
    );
    expect(out).toEqual(['x=1@1', 'x=2@2', 'y=1@3']);
  });
});
