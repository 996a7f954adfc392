import type { KGroupedStream } from '../../../src/dsl/kgrouped-stream.ts';
import type { KStream } from '../../../src/dsl/kstream.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';

interface Box {
  n: number;
}

const BOXES = { key: serdes.string, value: serdes.json<Box>() };

/** What a store holds after a record whose value was kept in it, then changed in place by a sibling branch. */
async function heldAfterVandalism(keep: (stream: KStream<string, Box>) => void): Promise<unknown> {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', BOXES);
  keep(stream);
  stream.foreach((_, box) => {
    (box as Box).n = 666; // its type says Readonly
  });
  await using driver = await TopologyTestDriver.create(builder.build(), {
    commitAfterEachRecord: false,
  });
  const input = driver.createInputTopic('in', BOXES);
  await input.pipe({ key: 'a', value: { n: 1 }, timestampMs: 0 });
  await input.pipe({ key: 'a', value: { n: 2 }, timestampMs: 0 });
  await driver.commit();
  const window = () => driver.windowStore<string, Box>('kept').fetch('a', 0);
  try {
    return driver.keyValueStore<string, Box>('kept').get('a');
  } catch {
    return window();
  }
}

const last = (_: unknown, box: Box): Box => box;
const store = { store: 'kept' };
const grouped = (stream: KStream<string, Box>): KGroupedStream<string, Box> => stream.groupByKey();
const windows = TimeWindows.of({ size: 10 });

describe('a store keeps what it was given, whatever sibling branches do to the same object', () => {
  test.each<readonly [string, number, (stream: KStream<string, Box>) => unknown]>([
    ['the first value of a reduce', 1, (s) => grouped(s).reduce((first) => first, store)],
    ['the last value of a reduce', 2, (s) => grouped(s).reduce(last, store)],
    [
      'the last value of an aggregate',
      2,
      (s) =>
        grouped(s).aggregate(
          () => ({ n: 0 }),
          (_k, box) => box as Box,
          { ...store, value: BOXES.value },
        ),
    ],
    ['the last value of a window', 2, (s) => grouped(s).windowedBy(windows).reduce(last, store)],
    ['a table', 2, (s) => s.toTable(store)],
    ['a filtered table', 2, (s) => s.toTable().filter(() => true, store)],
    [
      'a mapped table',
      2,
      (s) => s.toTable().mapValues((box) => box as Box, { ...store, value: BOXES.value }),
    ],
  ])('%s', async (_name, n, keep) => {
    expect(await heldAfterVandalism(keep)).toEqual({ n });
  });
});
