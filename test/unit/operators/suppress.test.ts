import { SessionWindows } from '../../../src/common/session-windows.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { Suppressed, type EagerSuppressBuffer } from '../../../src/dsl/suppressed.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

/** Final counts of windows of 10 ms with 5 ms grace. */
const finalCounts = (...records: string[]) =>
  runTopology((builder) => {
    builder
      .stream('in', STRINGS)
      .groupByKey()
      .windowedBy(TimeWindows.of({ size: 10, grace: 5 }))
      .count()
      .suppress(Suppressed.untilWindowCloses())
      .toStream()
      .map((window, count) => [`${window.key}@${window.startMs}`, String(count)])
      .to('out', STRINGS);
  }, records);

const limited = (limit: number, buffer: EagerSuppressBuffer, ...records: string[]) =>
  runTopology((builder) => {
    builder
      .table('in', STRINGS)
      .suppress(Suppressed.untilTimeLimit(limit, buffer))
      .toStream()
      .to('out', STRINGS);
  }, records);

describe('suppress until windows close', () => {
  test('gives one result for each window, when stream time reaches its end and grace', async () => {
    const open = await finalCounts('in a=x@1', 'in a=x@2', 'in b=x@14');
    expect(open.out).toEqual([]);
    const closed = await finalCounts('in a=x@1', 'in a=x@2', 'in b=x@15', 'in b=x@25');
    expect(closed.out).toEqual(['a@0=2@2', 'b@10=1@15']);
  });

  test('drops the deletions of sessions that went into others', async () => {
    const { out } = await runTopology(
      (builder) => {
        builder
          .stream('in', STRINGS)
          .groupByKey()
          .windowedBy(SessionWindows.of({ gap: 5 }))
          .count()
          .suppress(Suppressed.untilWindowCloses())
          .toStream()
          .map((window, count) => [`${window.startMs}-${window.endMs}`, String(count)])
          .to('out', STRINGS);
      },
      ['in a=x@1', 'in a=x@4', 'in b=x@50'],
    );
    expect(out).toEqual(['1-4=2@4']);
  });

  test('needs windows above', () => {
    const counts = new StreamsBuilder().stream('in', STRINGS).groupByKey().count();
    // @ts-expect-error: the keys are not windowed
    expect(() => counts.suppress(Suppressed.untilWindowCloses())).toThrow('needs windows');
  });
});

describe('suppress until a time limit', () => {
  test('gives the last update of a key, when the limit from its first one has passed', async () => {
    const { out } = await limited(
      10,
      {},
      'in a=1@0',
      'in a=2@9',
      'in b=1@9',
      'in b=2@10',
      'in c=1@19',
    );
    expect(out).toEqual(['a=2@9', 'b=2@10']);
  });

  test('gives deletions too', async () => {
    const { out } = await limited(10, {}, 'in a=1@0', 'in a=-@5', 'in b=1@10');
    expect(out).toEqual(['a=null@5']);
  });

  test('emits the oldest early when the buffer is full', async () => {
    const { out } = await limited(1000, { maxRecords: 1 }, 'in a=1@0', 'in b=1@1', 'in c=1@2');
    expect(out).toEqual(['a=1@0', 'b=1@1']);
  });

  test('stops the application when the buffer is full, if told so', async () => {
    const full = limited(1000, { maxRecords: 1, whenFull: 'shutDown' }, 'in a=1@0', 'in b=1@1');
    await expect(full).rejects.toMatchObject({ code: 'STREAMS_BUFFER_FULL' });
  });

  test('refuses limits that are no whole numbers from 1', () => {
    for (const maxRecords of [0, -1, 1.5]) {
      expect(() => Suppressed.untilTimeLimit(1, { maxRecords })).toThrow('maxRecords');
    }
  });
});
