import fc from 'fast-check';
import { SessionWindows } from '../../../src/common/session-windows.ts';
import { SlidingWindows } from '../../../src/common/sliding-windows.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import type { CogroupedKStream } from '../../../src/dsl/cogrouped-kstream.ts';
import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

const append =
  (sign: string) =>
  (_key: string, value: string, all: string): string =>
    `${all}${sign}${value}`;

/** Values of the topic `a` behind a plus, of `b` behind a minus. */
function cogrouped(builder: StreamsBuilder): CogroupedKStream<string, string> {
  return builder
    .stream('a', STRINGS)
    .groupByKey()
    .cogroup<string>(append('+'))
    .cogroup(builder.stream('b', STRINGS).groupByKey(), append('-'));
}

const TEXT = { value: serdes.string };

describe('cogroup', () => {
  test('folds the records of each stream into one aggregate, by the aggregator of the stream', async () => {
    const { out } = await runTopology(
      (builder) => {
        cogrouped(builder)
          .aggregate(() => '', TEXT)
          .toStream()
          .to('out', STRINGS);
      },
      ['a k=1@1', 'b k=2@5', 'a k=3@3', 'b l=4@4'],
    );
    expect(out).toEqual(['k=+1@1', 'k=+1-2@5', 'k=+1-2+3@5', 'l=-4@4']);
  });

  test('drops records without key or value, whichever stream they are of', async () => {
    const { out, dropped } = await runTopology(
      (builder) => {
        cogrouped(builder)
          .aggregate(() => '', TEXT)
          .toStream()
          .to('out', STRINGS);
      },
      ['a -=1@1', 'b k=-@2', 'b k=2@3'],
    );
    expect(out).toEqual(['k=-2@3']);
    expect(dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test('gives a table that knows the value before, without caching too', async () => {
    for (const caching of [true, false]) {
      const { out } = await runTopology(
        (builder) => {
          cogrouped(builder)
            .aggregate(() => '', { ...TEXT, caching })
            .groupBy((_, all) => [all.slice(0, 2), all], STRINGS)
            .count()
            .toStream()
            .mapValues(String)
            .to('out', STRINGS);
        },
        ['a k=1@1', 'b k=2@2', 'b l=3@3', 'a m=1@4'],
      );
      expect(out.at(-1)).toBe('+1=2@4');
    }
  });

  test('in tumbling windows each stream moves a stream time of its own', async () => {
    const { out, dropped } = await runTopology(
      (builder) => {
        cogrouped(builder)
          .windowedBy(TimeWindows.of({ size: 10 }))
          .aggregate(() => '', { ...TEXT, retention: 100 })
          .toStream()
          .map((window, all) => [`${window.key}@${window.startMs}`, all])
          .to('out', STRINGS);
      },
      ['a k=1@1', 'a k=2@25', 'b k=3@2', 'a k=4@3'],
    );
    expect(out).toEqual(['k@0=+1@1', 'k@20=+2@25', 'k@0=+1-3@2']);
    expect(dropped).toEqual({ late: 1 });
  });

  test('streams that are repartitioned need names for their groups', async () => {
    const build = (...[first, second]: (string | undefined)[]) =>
      runTopology(
        (builder) => {
          const group = (topic: string, name: string | undefined) =>
            builder.stream(topic, STRINGS).groupBy((_, value) => value, {
              ...STRINGS,
              ...(name === undefined ? {} : { name }),
            });
          group('a', first)
            .cogroup<string>(append('+'))
            .cogroup(group('b', second), append('-'))
            .aggregate(() => '', TEXT)
            .toStream()
            .to('out', STRINGS);
        },
        ['a -=1@1', 'b -=1@2'],
      );
    await expect(build(undefined, undefined)).rejects.toThrow('give their groups names');
    expect((await build('as', 'bs')).out).toEqual(['1=+1@1', '1=+1-1@2']);
  });

  test('a grouped stream is cogrouped once', async () => {
    const twice = runTopology((builder) => {
      const group = builder.stream('a', STRINGS).groupByKey();
      group.cogroup<string>(append('+')).cogroup(group, append('-'));
    }, []);
    await expect(twice).rejects.toMatchObject({ code: 'STREAMS_TOPOLOGY' });
  });

  test('is the aggregate of the merged streams, each value by its own rule, in any order', async () => {
    const records = fc.array(
      fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('k', 'l'), fc.nat(9)),
    );
    await fc.assert(
      fc.asyncProperty(records, async (all) => {
        const { out } = await runTopology(
          (builder) => {
            cogrouped(builder)
              .aggregate(() => '', TEXT)
              .toStream()
              .to('out', STRINGS);
          },
          all.map(([topic, key, value], ms) => `${topic} ${key}=${value}@${ms}`),
        );
        const sums = new Map<string, string>();
        const expected = all.map(([topic, key, value], ms) => {
          const sum = `${sums.get(key) ?? ''}${topic === 'a' ? '+' : '-'}${value}`;
          sums.set(key, sum);
          return `${key}=${sum}@${ms}`;
        });
        expect(out).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});

describe('windowed cogroup', () => {
  test('in sliding windows', async () => {
    const { out } = await runTopology(
      (builder) => {
        cogrouped(builder)
          .windowedBy(SlidingWindows.of({ timeDifference: 10 }))
          .aggregate(() => '', TEXT)
          .toStream()
          .map((window, all) => [`${window.key}@${window.startMs}`, all])
          .to('out', STRINGS);
      },
      ['a k=1@20', 'b k=2@25'],
    );
    expect(out).toEqual(['k@10=+1@20', 'k@21=-2@25', 'k@15=+1-2@25']);
  });

  test('in sessions, which one merger joins', async () => {
    const { out } = await runTopology(
      (builder) => {
        cogrouped(builder)
          .windowedBy(SessionWindows.of({ gap: 10 }))
          .aggregate(
            () => '',
            (_key, one, other) => `${one}${other}`,
            TEXT,
          )
          .toStream()
          .map((session, all) => [`${session.startMs}-${session.endMs}`, String(all)])
          .to('out', STRINGS);
      },
      ['a k=1@20', 'b k=2@25'],
    );
    expect(out).toEqual(['20-20=+1@20', '20-20=null@20', '20-25=+1-2@25']);
  });
});
