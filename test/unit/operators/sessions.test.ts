import fc from 'fast-check';
import { SessionWindows, type SessionWindowsOptions } from '../../../src/common/session-windows.ts';
import type { EmitStrategy } from '../../../src/operators/window-close.ts';
import { SessionWindowedSerde } from '../../../src/serde/session-windowed-serde.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

interface Options extends SessionWindowsOptions {
  readonly emit?: EmitStrategy;
}

/** The values of each session in one text; `user=value@ms` in, `user@first-last=values@ms` out. */
async function sessionsOf({ emit = 'onWindowUpdate', ...windows }: Options, ...records: string[]) {
  const { out, dropped } = await runTopology(
    (builder) => {
      builder
        .stream('in', STRINGS)
        .groupByKey()
        .windowedBy(SessionWindows.of(windows))
        .emitStrategy(emit)
        .aggregate(
          () => '',
          (_key, value, all) => `${all}${value}`,
          (_key, one, other) => one + other,
          { value: serdes.string, retention: 1000 },
        )
        .toStream()
        .map((session, all) => [`${session.key}@${session.startMs}-${session.endMs}`, String(all)])
        .to('out', STRINGS);
    },
    records.map((record) => `in ${record}`),
    { config: { statestoreCacheMaxBytes: 0 } },
  );
  return { out, dropped };
}

describe('sessions', () => {
  test('records exactly a gap apart are of one session, whose old row is deleted', async () => {
    const { out } = await sessionsOf({ gap: 10 }, 'a=x@0', 'a=y@10', 'a=z@21');
    expect(out).toEqual(['a@0-0=x@0', 'a@0-0=null@0', 'a@0-10=xy@10', 'a@21-21=z@21']);
  });

  test('a record between two sessions joins them, by end', async () => {
    const { out } = await sessionsOf({ gap: 10, grace: 100 }, 'a=x@0', 'a=z@20', 'a=y@10');
    expect(out.slice(2)).toEqual(['a@0-0=null@0', 'a@20-20=null@20', 'a@0-20=xzy@20']);
  });

  test('a second record of the same moment deletes nothing', async () => {
    const { out } = await sessionsOf({ gap: 10 }, 'a=x@5', 'a=y@5');
    expect(out).toEqual(['a@5-5=x@5', 'a@5-5=xy@5']);
  });

  test('a late record counts as long as the session it makes or joins is open, and is dropped from then on', async () => {
    const open = { gap: 10, grace: 5 };
    expect((await sessionsOf(open, 'b=x@15', 'a=y@0')).out.at(-1)).toBe('a@0-0=y@0');
    const late = await sessionsOf(open, 'a=x@8', 'b=x@16', 'c=y@0', 'a=y@0');
    expect(late.out.at(-1)).toBe('a@0-8=xy@8');
    expect(late.dropped).toEqual({ late: 1 });
  });

  test('a record without a key is dropped before it moves stream time; a null value reaches the aggregator', async () => {
    const { out, dropped } = await sessionsOf({ gap: 10 }, '-=x@1000', 'a=-@0');
    expect(out).toEqual(['a@0-0=null@0']);
    expect(dropped).toEqual({ 'null-key': 1 });
  });

  test('on window close each comes once, by end, when stream time has passed it by gap and grace', async () => {
    const closing = { gap: 10, grace: 5, emit: 'onWindowClose' } as const;
    const open = await sessionsOf(closing, 'b=x@1', 'a=x@0', 'a=y@7', 'c=z@16');
    expect(open.out).toEqual([]);
    const closed = await sessionsOf(closing, 'b=x@1', 'a=x@0', 'a=y@7', 'c=z@17', 'c=z@23');
    expect(closed.out).toEqual(['b@1-1=x@1', 'a@0-7=xy@7']);
  });

  test('hold every record once, none nearer to another than the gap, in any order', async () => {
    const record = fc.tuple(fc.constantFrom('a', 'b'), fc.nat(80));
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 25 }), async (records) => {
        const { out, dropped } = await sessionsOf(
          { gap: 5, grace: 500 },
          ...records.map(([key, ms]) => `${key}=.@${ms}`),
        );
        expect(dropped).toEqual({});
        const rows = new Map<string, string>();
        for (const [, session = '', all = ''] of out.map(
          (row) => /^(.*)=(.*)@\d+$/.exec(row) ?? [],
        )) {
          if (all === 'null') rows.delete(session);
          else rows.set(session, all);
        }
        const expected = ['a', 'b'].flatMap((key) => sessionsByHand(key, records));
        expect([...rows].map(([session, all]) => `${session}=${all.length}`).sort()).toEqual(
          expected.sort(),
        );
      }),
      { numRuns: 40 },
    );
  });
});

function sessionsByHand(key: string, records: readonly (readonly [string, number])[]): string[] {
  const times = records.filter(([each]) => each === key).map(([, ms]) => ms);
  const sessions: { first: number; last: number; count: number }[] = [];
  for (const ms of times.sort((one, other) => one - other)) {
    const open = sessions.at(-1);
    if (open === undefined || ms - open.last > 5) sessions.push({ first: ms, last: ms, count: 1 });
    else Object.assign(open, { last: ms, count: open.count + 1 });
  }
  return sessions.map(({ first, last, count }) => `${key}@${first}-${last}=${count}`);
}

test('keys of sessions are written as key, end and start', () => {
  const serde = new SessionWindowedSerde(serdes.string);
  const site = { topic: 't', isKey: true, headers: [] };
  const bytes = Uint8Array.of(107, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1);
  const windowed = serde.deserialize(bytes, site);
  expect(windowed).toMatchObject({ key: 'k', startMs: 1, endMs: 2 });
  expect(serde.serialize(windowed, site)).toEqual(bytes);
  expect(() => serde.deserialize(bytes.subarray(0, 15), site)).toThrow('no key of a session');
});
