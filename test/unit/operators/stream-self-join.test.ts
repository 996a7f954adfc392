import fc from 'fast-check';
import { JoinWindows, type JoinWindowsOptions } from '../../../src/common/join-windows.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { STRINGS } from '../../support/run-topology.ts';

const both = (left: string | null, right: string | null) => `${String(left)}+${String(right)}`;
const SELF_JOIN = { topologyOptimization: ['singleStoreSelfJoin'] } as const;

interface Given {
  readonly key: string;
  readonly timestampMs: number;
}

function topologyOf(windows: JoinWindowsOptions, options: object) {
  const builder = new StreamsBuilder();
  const input = builder.stream('in', STRINGS);
  input.join(input, both, JoinWindows.of(windows)).to('out', STRINGS);
  return builder.build(options);
}

async function joined(windows: JoinWindowsOptions, records: readonly Given[], options: object) {
  await using driver = await TopologyTestDriver.create(topologyOf(windows, options));
  const input = driver.createInputTopic('in', STRINGS);
  for (const [id, record] of records.entries()) await input.pipe({ ...record, value: String(id) });
  const out = driver.createOutputTopic('out', STRINGS).readRecords();
  return out.map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs}`);
}

describe('a stream joined with itself, kept once', () => {
  test('a record joins those before it from both sides, and itself ahead of younger ones', async () => {
    const records = [4, 9, 6].map((timestampMs) => ({ key: 'a', timestampMs }));
    expect(await joined({ timeDifference: 5, grace: 100 }, records, SELF_JOIN)).toEqual([
      'a=0+0@4',
      ...['a=1+0@9', 'a=0+1@9', 'a=1+1@9'],
      ...['a=2+0@6', 'a=2+1@9', 'a=0+2@6', 'a=2+2@6', 'a=1+2@9'],
    ]);
  });

  test('a record later than the retention does not join itself', async () => {
    const windows = { timeDifference: 5, grace: 10 }; // retention 20
    const late = (timestampMs: number) =>
      joined(
        windows,
        [
          { key: 'a', timestampMs: 100 },
          { key: 'b', timestampMs },
        ],
        SELF_JOIN,
      );
    expect(await late(82)).toEqual(['a=0+0@100', 'b=1+1@82']);
    expect(await late(81)).toEqual(['a=0+0@100']);
  });

  test('in a window of no length, records of one time join', async () => {
    const records = [5, 5, 6].map((timestampMs) => ({ key: 'a', timestampMs }));
    expect(await joined({ timeDifference: 0 }, records, SELF_JOIN)).toEqual([
      'a=0+0@5',
      ...['a=1+0@5', 'a=0+1@5', 'a=1+1@5'],
      'a=2+2@6',
    ]);
  });

  test('a window that leaves out the time of the record keeps both sides: no record joins itself', async () => {
    const windows = { before: -1, after: 5 };
    expect(topologyOf(windows, SELF_JOIN).describe()).toBe(topologyOf(windows, {}).describe());
    expect(await joined(windows, [{ key: 'a', timestampMs: 5 }], SELF_JOIN)).toEqual([]);
  });

  test('records without a key or value are dropped', async () => {
    await using driver = await TopologyTestDriver.create(
      topologyOf({ timeDifference: 5 }, SELF_JOIN),
    );
    const input = driver.createInputTopic('in', STRINGS);
    await input.pipe({ key: null as unknown as string, value: 'x', timestampMs: 1 });
    const dropped = (reason: string) => driver.counter('dropped-records-total', { reason });
    expect(dropped('null-join-key')).toBe(1);
  });

  test('gives what a join with two stores gives, in the same order', async () => {
    const given = fc.record({
      key: fc.constantFrom('a', 'b'),
      timestampMs: fc.integer({ min: 0, max: 30 }),
    });
    const side = fc.integer({ min: 0, max: 10 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(given, { maxLength: 12 }),
        side,
        side,
        async (records, before, after) => {
          const windows = { before, after, grace: 1000 };
          expect(await joined(windows, records, SELF_JOIN)).toEqual(
            await joined(windows, records, {}),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});
