import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

const both = (left: string, right: string | null) => `${left}+${String(right)}`;

describe('a stream joined with a table', () => {
  const inner = (builder: StreamsBuilder) => {
    const table = builder.table('table', STRINGS);
    builder.stream('in', STRINGS).join(table, both).to('out', STRINGS);
  };
  const left = (builder: StreamsBuilder) => {
    const table = builder.table('table', STRINGS);
    builder.stream('in', STRINGS).leftJoin(table, both).to('out', STRINGS);
  };

  test("only the stream triggers; results have the stream's time and the row of the moment", async () => {
    const { out } = await runTopology(inner, [
      'in a=0',
      'table a=x@9',
      'in a=1@5',
      'table a=y@1',
      'in a=2@6',
    ]);
    expect(out).toEqual(['a=1+x@5', 'a=2+y@6']);
  });

  test('a deleted row is no row', async () => {
    const records = ['table a=x', 'in a=1', 'table a=-', 'in a=2'];
    expect((await runTopology(inner, records)).out).toEqual(['a=1+x@0']);
    expect((await runTopology(left, records)).out).toEqual(['a=1+x@0', 'a=2+null@0']);
  });

  test('a record without a key joins nothing, one without a value is dropped', async () => {
    const records = ['in -=1', 'in a=-'];
    expect(await runTopology(inner, records)).toEqual({
      out: [],
      dropped: { 'null-join-key': 1, 'null-value': 1 },
    });
    expect(await runTopology(left, records)).toEqual({
      out: ['null=1+null@0'],
      dropped: { 'null-value': 1 },
    });
  });

  test('a table record without a key is dropped', async () => {
    expect((await runTopology(inner, ['table -=x'])).dropped).toEqual({ 'null-key': 1 });
  });

  test('reads a filtered and mapped table that is not kept through the one it comes from', async () => {
    const { out } = await runTopology(
      (builder) => {
        const table = builder
          .table('table', STRINGS)
          .filter((_, row) => row !== 'hidden')
          .mapValues((row) => row.toUpperCase());
        builder.stream('in', STRINGS).leftJoin(table, both).to('out', STRINGS);
      },
      ['table a=x', 'table b=hidden', 'in a=1', 'in b=2', 'in c=3'],
    );
    expect(out).toEqual(['a=1+X@0', 'b=2+null@0', 'c=3+null@0']);
  });

  test('reads a windowed table by key and window', async () => {
    const { out } = await runTopology(
      (builder) => {
        const windowed = builder
          .stream('in', STRINGS)
          .groupByKey()
          .windowedBy(TimeWindows.of({ size: 10 }))
          .reduce((_, value) => value);
        windowed
          .toStream()
          .join(windowed, (value, row) => value + row)
          .map((window, value) => [window.key, value])
          .to('out', STRINGS);
      },
      ['in a=1@1', 'in a=2@12'],
    );
    expect(out).toEqual(['a=11@1', 'a=22@12']);
  });
});

describe('a stream joined with a global table', () => {
  const joined = (kind: 'join' | 'leftJoin') => (builder: StreamsBuilder) => {
    const table = builder.globalTable('table', STRINGS);
    const keyOf = (_: string, value: string) => (value === 'none' ? null : value);
    const input = builder.stream('in', STRINGS);
    const joinedStream =
      kind === 'join' ? input.join(table, keyOf, both) : input.leftJoin(table, keyOf, both);
    joinedStream.to('out', STRINGS);
  };
  const records = ['table x=X', 'in a=x@5', 'in -=x@6', 'in a=y@7', 'in a=none@8', 'in a=-@9'];

  test('inner: any key finds a row, also for a record without one of its own', async () => {
    expect(await runTopology(joined('join'), records)).toEqual({
      out: ['a=x+X@5', 'null=x+X@6'],
      dropped: { 'null-join-key': 1, 'null-value': 1 },
    });
  });

  test('left: a key that is null or finds nothing gives null', async () => {
    expect(await runTopology(joined('leftJoin'), records)).toEqual({
      out: ['a=x+X@5', 'null=x+X@6', 'a=y+null@7', 'a=none+null@8'],
      dropped: { 'null-value': 1 },
    });
  });

  test('the joiner sees the key of the stream', async () => {
    const { out } = await runTopology(
      (builder) => {
        const table = builder.globalTable('table', { ...STRINGS, store: 'named' });
        builder
          .stream('in', STRINGS)
          .join(
            table,
            (_, value) => value,
            (value, row, key) => `${key}${value}${row}`,
          )
          .to('out', { value: serdes.string });
      },
      ['table x=X', 'in a=x'],
    );
    expect(out).toEqual(['a=axX@0']);
  });
});
