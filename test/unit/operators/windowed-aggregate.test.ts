import fc from 'fast-check';
import { TimeWindows, type TimeWindowsOptions } from '../../../src/common/time-windows.ts';
import { UnlimitedWindows } from '../../../src/common/unlimited-windows.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

/** Counts `user@ms` clicks in windows; reads back `user@start=count@ms`. */
async function countClicks(windows: TimeWindowsOptions, ...clicks: string[]) {
  const { out, dropped } = await runTopology(
    (builder) => {
      builder
        .stream('clicks', STRINGS)
        .groupByKey()
        .windowedBy(TimeWindows.of(windows))
        .count({ store: 'clicks-per-window' })
        .toStream()
        .map((window, count) => [`${window.key}@${window.startMs}`, String(count)])
        .to('out', STRINGS);
    },
    clicks.map((click) => click.replace(/^(.*)@(\d+)$/, 'clicks $1=/@$2')),
  );
  return { counts: out, dropped };
}

const withoutTime = ({ counts }: { counts: readonly string[] }) =>
  counts.map((count) => count.replace(/@\d+$/, ''));

describe('tumbling windows', () => {
  const MINUTE = { size: 60, grace: 10 };

  test('a record on the boundary belongs to the window it starts', async () => {
    const counts = withoutTime(await countClicks(MINUTE, 'ann@0', 'ann@59', 'ann@60'));
    expect(counts).toEqual(['ann@0=1', 'ann@0=2', 'ann@60=1']);
  });

  test('a late record counts until the grace period has passed and is dropped from then on', async () => {
    const result = await countClicks(MINUTE, 'ann@69', 'bob@59', 'ann@70', 'bob@58');
    expect(withoutTime(result)).toEqual(['ann@60=1', 'bob@0=1', 'ann@60=2']);
    expect(result.dropped).toEqual({ late: 1 });
  });

  test('a record without a key is dropped before it moves stream time', async () => {
    const result = await countClicks(MINUTE, '-@1000', 'ann@0');
    expect(withoutTime(result)).toEqual(['ann@0=1']);
    expect(result.dropped).toEqual({ 'null-key': 1 });
  });

  test('a count is as recent as the most recent record in its window', async () => {
    const { counts } = await countClicks(MINUTE, 'ann@40', 'ann@20');
    expect(counts).toEqual(['ann@0=1@40', 'ann@0=2@40']);
  });
});

describe('hopping windows', () => {
  const HOPS = { size: 30, advance: 10 };

  test('a record counts in every window it falls in; none starts before 0', async () => {
    expect(withoutTime(await countClicks(HOPS, 'ann@15'))).toEqual(['ann@0=1', 'ann@10=1']);
    expect(withoutTime(await countClicks(HOPS, 'ann@30'))).toEqual([
      'ann@10=1',
      'ann@20=1',
      'ann@30=1',
    ]);
  });

  test('a late record counts in the windows that are open and is dropped for each that has closed', async () => {
    const result = await countClicks(HOPS, 'ann@45', 'bob@25');
    expect(withoutTime(result).slice(-1)).toEqual(['bob@20=1']);
    expect(result.dropped).toEqual({ late: 2 });
  });
});

test('every click is counted once or dropped once per window, in any order', async () => {
  const click = fc.tuple(fc.constantFrom('ann', 'bob'), fc.nat(300)).map((pair) => pair.join('@'));
  const windows = fc.record({
    size: fc.constant(60),
    advance: fc.constantFrom(20, 60),
    grace: fc.nat(50),
  });
  await fc.assert(
    fc.asyncProperty(windows, fc.array(click), async (options, clicks) => {
      const { counts, dropped } = await countClicks(options, ...clicks);
      const last = new Map(counts.map((count) => count.split('=') as [string, string]));
      const counted = [...last.values()].reduce(
        (sum, count) => sum + Number.parseInt(count, 10),
        0,
      );
      const times = clicks.map((each) => Number(each.split('@')[1]));
      const falls = times.map((ms) =>
        Math.min(60 / options.advance, Math.floor(ms / options.advance) + 1),
      );
      expect(counted + (dropped['late'] ?? 0)).toBe(falls.reduce((sum, n) => sum + n, 0));
    }),
    { numRuns: 40 },
  );
});

describe('windowed results', () => {
  test('a null value reaches the aggregator, as in the code of Kafka Streams', async () => {
    const { out } = await runTopology(
      (builder) => {
        builder
          .stream('in', STRINGS)
          .groupByKey()
          .windowedBy(TimeWindows.of({ size: 10 }))
          .aggregate(
            () => '',
            (_key, value: string | null, all) => all + String(value),
            { value: serdes.string },
          )
          .toStream()
          .map((window, all) => [window.key, all])
          .to('out', STRINGS);
      },
      ['in a=-@1', 'in a=1@2'],
    );
    expect(out).toEqual(['a=null@1', 'a=null1@2']);
  });

  test('are written with the windowed serde of their key unless told otherwise', async () => {
    const out = { key: serdes.timeWindowed(serdes.string, { size: 10 }), value: serdes.string };
    const { out: records } = await runTopology(
      (builder) => {
        builder
          .stream('in', STRINGS)
          .groupByKey()
          .windowedBy(TimeWindows.of({ size: 10 }))
          .reduce((_, value) => value)
          .toStream()
          .to('out');
      },
      ['in a=1@25'],
      { out },
    );
    expect(records).toEqual(['{"key":"a","startMs":20,"endMs":30}=1@25']);
  });
});

describe('an unlimited window', () => {
  const count = (startMs: number | undefined, ...records: string[]) =>
    runTopology((builder) => {
      builder
        .stream('in', STRINGS)
        .groupByKey()
        .windowedBy(UnlimitedWindows.of(startMs === undefined ? {} : { startMs }))
        .count()
        .toStream()
        .map((window, n) => [`${window.key}@${window.startMs}`, String(n)])
        .to('out', STRINGS);
    }, records);

  test('holds every record from its start on, however late', async () => {
    const { out, dropped } = await count(undefined, 'in a=1@0', 'in a=1@9000000000000', 'in a=1@5');
    expect(out).toEqual(['a@0=1@0', 'a@0=2@9000000000000', 'a@0=3@9000000000000']);
    expect(dropped).toEqual({});
  });

  test('ignores records before its start, without counting them', async () => {
    const { out, dropped } = await count(10, 'in a=1@9', 'in a=1@10');
    expect(out).toEqual(['a@10=1@10']);
    expect(dropped).toEqual({});
  });

  test('cannot be emitted when it closes, which it never does', () => {
    const grouped = new StreamsBuilder().stream('in', STRINGS).groupByKey();
    const windows = grouped.windowedBy(UnlimitedWindows.of());
    expect(() => windows.emitStrategy('onWindowClose')).toThrow('never close');
  });

  test('starts at a whole time from 0', () => {
    for (const startMs of [-1, 0.5, NaN]) {
      expect(() => UnlimitedWindows.of({ startMs })).toThrow('cannot begin at');
    }
  });
});
