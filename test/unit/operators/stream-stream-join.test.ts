import fc from 'fast-check';
import { JoinWindows, type JoinWindowsOptions } from '../../../src/common/join-windows.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

type Kind = 'join' | 'leftJoin' | 'outerJoin';

const both = (left: string | null, right: string | null) => `${String(left)}+${String(right)}`;

function joining(kind: Kind, windows: JoinWindowsOptions) {
  return (builder: StreamsBuilder): void => {
    const left = builder.stream('left', STRINGS);
    const right = builder.stream('right', STRINGS);
    const within = JoinWindows.of(windows);
    const joined =
      kind === 'join'
        ? left.join(right, both, within)
        : kind === 'leftJoin'
          ? left.leftJoin(right, both, within)
          : left.outerJoin(right, both, within);
    joined.to('out', STRINGS);
  };
}

async function joined(kind: Kind, windows: JoinWindowsOptions, records: readonly string[]) {
  return (await runTopology(joining(kind, windows), records)).out;
}

describe('an inner join of two streams', () => {
  const ten = { timeDifference: 10 };

  test('joins both ways, both bounds included, as recent as the more recent record', async () => {
    const records = ['left a=1@10', 'right a=x@20', 'right a=y@21', 'right a=z@0', 'left a=2@11'];
    expect(await joined('join', ten, records)).toEqual([
      'a=1+x@20',
      'a=1+z@10',
      'a=2+x@20',
      'a=2+y@21',
    ]);
  });

  test('an asymmetric window lies the other way round for the right record', async () => {
    const windows = { before: 2, after: 5, grace: 100 };
    const left = ['left a=1@10', 'right a=p@7', 'right a=q@8', 'right a=r@15', 'right a=s@16'];
    expect(await joined('join', windows, left)).toEqual(['a=1+q@10', 'a=1+r@15']);
    const right = ['right a=p@7', 'right a=q@8', 'right a=r@15', 'right a=s@16', 'left a=1@10'];
    expect(await joined('join', windows, right)).toEqual(['a=1+q@10', 'a=1+r@15']);
  });

  test('a negative bound asks for records that are strictly later', async () => {
    const windows = { before: -1, after: 5 };
    const records = ['left a=1@10', 'right a=x@10', 'right a=y@11', 'right a=z@16'];
    expect(await joined('join', windows, records)).toEqual(['a=1+y@11']);
  });

  test('records of one key and time are all kept', async () => {
    const records = ['left a=1@5', 'left a=2@5', 'right a=x@5', 'right a=y@5'];
    expect(await joined('join', ten, records)).toEqual([
      'a=1+x@5',
      'a=2+x@5',
      'a=1+y@5',
      'a=2+y@5',
    ]);
  });

  test('in a window of no length records of one time join', async () => {
    const records = ['left a=1@5', 'right a=x@5', 'right a=y@6'];
    expect(await joined('join', { timeDifference: 0 }, records)).toEqual(['a=1+x@5']);
  });

  test('a record finds what is kept: window and grace back from the highest time of its store', async () => {
    const records = ['left a=1@10', 'left b=2@40', 'right a=x@10'];
    expect(await joined('join', { timeDifference: 10, grace: 10 }, records)).toEqual([]);
    expect(await joined('join', { timeDifference: 10, grace: 11 }, records)).toEqual(['a=1+x@10']);
  });

  test('a record without key or value is dropped', async () => {
    const records = ['left -=1', 'right -=x', 'left a=-', 'right a=-', 'left -=-'];
    expect(await runTopology(joining('join', ten), records)).toEqual({
      out: [],
      dropped: { 'null-join-key': 2, 'null-value': 3 },
    });
  });

  test('a stream joined with itself does not join a record with itself twice', async () => {
    const { out } = await runTopology(
      (builder) => {
        const stream = builder.stream('in', STRINGS);
        stream.join(stream, both, JoinWindows.of(ten)).to('out', STRINGS);
      },
      ['in a=1', 'in a=2'],
    );
    expect(out).toEqual(['a=1+1@0', 'a=2+1@0', 'a=1+2@0', 'a=2+2@0']);
  });

  test('streams whose keys have changed are repartitioned', async () => {
    const { out } = await runTopology(
      (builder) => {
        const left = builder.stream('left', STRINGS).selectKey((_, value) => value.slice(0, 1));
        const right = builder
          .stream('right', STRINGS)
          .map((_, value) => [value.slice(0, 1), value]);
        left
          .join(right, both, JoinWindows.of(ten), { ...STRINGS, otherValue: STRINGS.value })
          .to('out', STRINGS);
      },
      ['left 1=ax', 'right 2=ay', 'right 3=bz'],
    );
    expect(out).toEqual(['a=ax+ay@0']);
  });
});

describe('a left join of two streams', () => {
  const windows = { timeDifference: 10, grace: 5 };

  test('gives a record without a match when stream time has passed its window and grace', async () => {
    const before = ['left a=1@0', 'right b=x@15'];
    expect(await joined('leftJoin', windows, before)).toEqual([]);
    expect(await joined('leftJoin', windows, [...before, 'right b=y@16'])).toEqual(['a=1+null@0']);
  });

  test('gives it before the record that closed the window is joined', async () => {
    const records = ['right b=x@9', 'left a=1@0', 'left b=2@16'];
    expect(await joined('leftJoin', windows, records)).toEqual(['a=1+null@0', 'b=2+x@16']);
  });

  test('never gives a record that has found a match, nor right records alone', async () => {
    const records = ['left a=1@0', 'right a=x@3', 'right c=y@3', 'left b=2@90', 'left b=3@200'];
    expect(await joined('leftJoin', windows, records)).toEqual(['a=1+x@3', 'b=2+null@90']);
  });

  test('a record that moves no stream time closes no window', async () => {
    const records = ['left a=1@0', 'right -=x@50', 'left b=2@39', 'left b=3@51'];
    // The record without a key is dropped, but time has moved with it: b=2 comes too late to wait.
    expect(await joined('leftJoin', windows, records)).toEqual(['b=2+null@39', 'a=1+null@0']);
  });

  test('records of one key and time all wait, and one match is for all of them', async () => {
    const records = ['left a=1@0', 'left a=2@0', 'left c=3@0', 'left b=9@99'];
    expect(await joined('leftJoin', windows, records)).toEqual([
      'a=1+null@0',
      'a=2+null@0',
      'c=3+null@0',
    ]);
    expect(
      await joined('leftJoin', windows, ['left a=1@0', 'left a=2@0', 'right a=x@0', 'left b=9@99']),
    ).toEqual(['a=1+x@0', 'a=2+x@0']);
  });

  test('a left record without a key is given at once, a right one is dropped', async () => {
    const records = ['left -=1@7', 'right -=x@8', 'left -=-'];
    expect(await runTopology(joining('leftJoin', windows), records)).toEqual({
      out: ['null=1+null@7'],
      dropped: { 'null-join-key': 1, 'null-value': 1 },
    });
  });

  test('lets left records without a key through a repartition', async () => {
    const { out } = await runTopology(
      (builder) => {
        const left = builder.stream('left', STRINGS).selectKey((key) => key);
        left
          .leftJoin(builder.stream('right', STRINGS), both, JoinWindows.of(windows), STRINGS)
          .to('out', STRINGS);
      },
      ['left -=1'],
    );
    expect(out).toEqual(['null=1+null@0']);
  });
});

describe('an outer join of two streams', () => {
  test('gives both sides, oldest first, in one time right before left', async () => {
    const records = ['left a=1@5', 'right b=x@5', 'right c=y@4', 'left d=2@99'];
    expect(await joined('outerJoin', { timeDifference: 10 }, records)).toEqual([
      'c=null+y@4',
      'b=null+x@5',
      'a=1+null@5',
    ]);
  });

  test('an asymmetric window closes for each side by its own bound', async () => {
    const windows = { before: 20, after: 3 };
    const records = ['left a=1@10', 'right b=x@10', 'left c=2@14', 'left c=3@30', 'left c=4@31'];
    expect(await joined('outerJoin', windows, records)).toEqual([
      'a=1+null@10',
      'c=2+null@14',
      'b=null+x@10',
    ]);
  });

  test('a record of either side without a key is given at once', async () => {
    expect(await joined('outerJoin', { timeDifference: 1 }, ['left -=1', 'right -=x'])).toEqual([
      'null=1+null@0',
      'null=null+x@0',
    ]);
  });

  test('looks for closed windows once in an emit interval of the wall clock', async () => {
    const builder = new StreamsBuilder();
    joining('outerJoin', { timeDifference: 1 })(builder);
    const config = { emitIntervalMs: 1000 };
    await using driver = await TopologyTestDriver.create(builder.build(), { config });
    const input = driver.createInputTopic('left', STRINGS);
    const output = driver.createOutputTopic('out', STRINGS);
    const give = async (value: string, timestampMs: number) => {
      await input.pipe({ key: 'a', value, timestampMs });
      return output.readRecords().map((record) => record.value);
    };
    expect(await give('1', 0)).toEqual([]); // the first look, since nothing is known yet
    expect(await give('2', 10)).toEqual([]);
    await driver.advanceWallClock(999);
    expect(await give('3', 20)).toEqual([]);
    await driver.advanceWallClock(1);
    expect(await give('4', 30)).toEqual(['1+null', '2+null', '3+null']);
  });
});

interface Given {
  readonly side: string;
  readonly key: string;
  readonly timestampMs: number;
  readonly id: string;
}

const givenRecords = fc
  .array(
    fc.record({
      side: fc.constantFrom('left', 'right'),
      key: fc.constantFrom('a', 'b'),
      // No window reaches below 0, where Kafka Streams and ours cut both of its bounds off.
      timestampMs: fc.integer({ min: 20, max: 60 }),
    }),
    { maxLength: 25 },
  )
  .map((records): Given[] => records.map((record, i) => ({ ...record, id: String(i) })));

function asText({ side, key, id, timestampMs }: Given): string {
  return `${side} ${key}=${id}@${timestampMs}`;
}

/** Every left and right record that belong together, by looking at all of them. */
function pairsOf(records: readonly Given[], before: number, after: number): [string, string][] {
  const belong = (left: Given, right: Given): boolean =>
    left.side === 'left' &&
    right.side === 'right' &&
    left.key === right.key &&
    right.timestampMs >= left.timestampMs - before &&
    right.timestampMs <= left.timestampMs + after;
  return records.flatMap((left) =>
    records
      .filter((right) => belong(left, right))
      .map((right): [string, string] => [left.id, right.id]),
  );
}

function valuesOf(out: readonly string[]): string[] {
  return out.map((text) => text.replace(/^[^=]*=|@.*/g, '')).sort();
}

test('within the grace period every pair is joined once, in whatever order its records come', async () => {
  const bounds = fc
    .record({ before: fc.integer({ min: -5, max: 20 }), after: fc.integer({ min: -5, max: 20 }) })
    .filter(({ before, after }) => before + after >= 0);
  await fc.assert(
    fc.asyncProperty(givenRecords, bounds, async (records, { before, after }) => {
      const out = await joined('join', { before, after, grace: 1000 }, records.map(asText));
      const pairs = pairsOf(records, before, after);
      expect(valuesOf(out)).toEqual(pairs.map(([left, right]) => both(left, right)).sort());
    }),
    { numRuns: 60 },
  );
});

test('of records in the order of time, each that is in no pair is given once', async () => {
  const bounds = fc.record({ before: fc.nat(20), after: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(givenRecords, bounds, async (unordered, { before, after }) => {
      const records = unordered.toSorted((a, b) => a.timestampMs - b.timestampMs);
      const windows = { before, after, grace: 3 };
      const out = await joined('outerJoin', windows, [
        ...records.map(asText),
        'right last=end@9000',
      ]);

      const pairs = pairsOf(records, before, after);
      const paired = new Set(pairs.map(([left]) => left).concat(pairs.map(([, right]) => right)));
      const alone = records
        .filter(({ id }) => !paired.has(id))
        .map(({ side, id }) => (side === 'left' ? both(id, null) : both(null, id)));
      const expected = [...pairs.map(([left, right]) => both(left, right)), ...alone];
      expect(valuesOf(out).filter((value) => !value.includes('end'))).toEqual(expected.sort());
    }),
    { numRuns: 60 },
  );
});

test('join windows need two bounds that hold something', () => {
  expect(() => JoinWindows.of({ before: 5 })).toThrow(/give timeDifference, or before and after/);
  expect(() => JoinWindows.of({ before: 5, after: -6 })).toThrow(/hold nothing/);
  expect(() => JoinWindows.of({ timeDifference: '5x' })).toThrow(/is not a duration/);
  const { beforeMs, afterMs, sizeMs, graceMs } = JoinWindows.of({
    timeDifference: '1s',
    after: '-250ms',
    grace: '1m',
  });
  expect([beforeMs, afterMs, sizeMs, graceMs]).toEqual([1000, -250, 750, 60_000]);
});
