import fc from 'fast-check';
import { SlidingWindows, type SlidingWindowsOptions } from '../../../src/common/sliding-windows.ts';
import type { EmitStrategy } from '../../../src/operators/window-close.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

interface Options extends SlidingWindowsOptions {
  readonly emit?: EmitStrategy;
}

/** The values of each window in one list that the aggregator changes in place; `start=values@ms` out. */
async function windowsOf({ emit = 'onWindowUpdate', ...windows }: Options, ...records: string[]) {
  const { out, dropped } = await runTopology(
    (builder) => {
      builder
        .stream('in', STRINGS)
        .groupByKey()
        .windowedBy(SlidingWindows.of(windows))
        .emitStrategy(emit)
        .aggregate(
          (): string[] => [],
          (_key, value, all) => {
            all.push(value);
            return all;
          },
          { value: serdes.json<string[]>(), retention: 10_000 },
        )
        .toStream()
        .map((window, all) => [`${window.key}@${window.startMs}`, all.join('')])
        .to('out', STRINGS);
    },
    records.map((record) => `in ${record}`),
    { config: { statestoreCacheMaxBytes: 0 } },
  );
  return { out, dropped };
}

describe('sliding windows', () => {
  const TEN = { timeDifference: 10, grace: 100 };

  test('there is one that ends at a record, and one behind the record before, as soon as it holds something', async () => {
    const { out } = await windowsOf(TEN, 'a=x@20', 'a=y@25', 'a=z@37');
    expect(out).toEqual(['a@10=x@20', 'a@21=y@25', 'a@15=xy@25', 'a@27=z@37']);
  });

  test('both bounds belong to a window', async () => {
    const { out } = await windowsOf(TEN, 'a=x@20', 'a=y@30');
    expect(out).toEqual(['a@10=x@20', 'a@21=y@30', 'a@20=xy@30']);
  });

  test('a late record goes into the windows that hold its time, and makes those that lack', async () => {
    const { out } = await windowsOf(TEN, 'a=x@20', 'a=z@28', 'a=y@24');
    expect(out.slice(3)).toEqual(['a@21=zy@28', 'a@18=xzy@28', 'a@14=xy@24', 'a@25=z@28']);
  });

  test('records before the time difference share the window from 0', async () => {
    const { out } = await windowsOf(TEN, 'a=x@0', 'a=y@5', 'a=z@10');
    expect(out).toEqual(['a@0=x@0', 'a@1=y@5', 'a@0=xy@5', 'a@1=yz@10', 'a@0=xyz@10', 'a@6=z@10']);
  });

  test('a window takes records until stream time has passed its end by more than the grace', async () => {
    const strict = { timeDifference: 10, grace: 0 };
    const open = await windowsOf(strict, 'b=x@30', 'a=y@20');
    expect(open.out.at(-1)).toBe('b@20=x@30');
    expect(open.dropped).toEqual({ late: 1 });
    const late = await windowsOf(strict, 'b=x@31', 'a=y@20');
    expect(late.dropped).toEqual({ late: 1 });
  });

  test('records without key or value are dropped before they move stream time', async () => {
    const { out, dropped } = await windowsOf(TEN, '-=x@5000', 'a=-@5000', 'a=x@20');
    expect(out).toEqual(['a@10=x@20']);
    expect(dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test('on window close each comes once, by start', async () => {
    const closing = { timeDifference: 10, grace: 0, emit: 'onWindowClose' } as const;
    const { out } = await windowsOf(closing, 'a=x@20', 'b=y@20', 'a=z@25', 'a=.@36');
    expect(out).toEqual(['a@10=x@20', 'b@10=y@20', 'a@15=xz@25', 'a@21=z@25']);
  });

  test('there is one for each set of records that fits one, with just these, in any order', async () => {
    const times = fc.uniqueArray(fc.integer({ min: 10, max: 60 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(times, async (all) => {
        const { out } = await windowsOf(TEN, ...all.map((ms) => `a=${letter(ms)}@${ms}`));
        const last = new Map<string, string>();
        for (const row of out) {
          const [, window = '', values = ''] = /^(.*)=(.*)@\d+$/.exec(row) ?? [];
          last.set(window, Array.from(values).sort().join(''));
        }
        expect([...last].sort()).toEqual(windowsByHand(all).sort());
      }),
      { numRuns: 40 },
    );
  });
});

const letter = (ms: number): string => String.fromCharCode(0x4e00 + ms);

function windowsByHand(times: readonly number[]): [string, string][] {
  const held = (startMs: number): number[] =>
    times.filter((ms) => ms >= startMs && ms <= startMs + 10);
  const starts = new Set(times.flatMap((ms) => [ms - 10, ms + 1]));
  return [...starts]
    .filter((startMs) => held(startMs).length > 0)
    .map((startMs) => [
      `a@${startMs}`,
      held(startMs)
        .sort((a, b) => a - b)
        .map(letter)
        .join(''),
    ]);
}
