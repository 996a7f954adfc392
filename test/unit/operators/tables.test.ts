import type { KTable } from '../../../src/dsl/ktable.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';
import type { StoreOptions } from '../../../src/dsl/options.ts';

type Strings = KTable<string, string, never, string | null>;

async function changesOf(
  derive: (table: KTable<string, string>) => Strings,
  records: readonly string[],
  source: StoreOptions = {},
) {
  const { out } = await runTopology((builder) => {
    derive(builder.table('in', { ...STRINGS, ...source }))
      .toStream()
      .to('out', STRINGS);
  }, records);
  return out;
}

describe('a table of a topic', () => {
  test('updates apply in the order of the topic, equal and older ones too', async () => {
    const updates = ['in a=1@9', 'in a=1@9', 'in a=2@3', 'in a=-@4'];
    const expected = ['a=1@9', 'a=1@9', 'a=2@3', 'a=null@4'];
    expect(await changesOf((table) => table, updates)).toEqual(expected);
    expect(await changesOf((table) => table, updates, { store: 'rows' })).toEqual(expected);
  });
});

describe('filter of a table', () => {
  const updates = ['in a=no', 'in a=yes', 'in a=no', 'in a=no', 'in b=-'];
  const yes = (_: string, row: string) => row === 'yes';

  test('deletes a row that does not pass, known downstream or not', async () => {
    const changes = await changesOf((table) => table.filter(yes), updates);
    expect(changes).toEqual(['a=null@0', 'a=yes@0', 'a=null@0', 'a=null@0', 'b=null@0']);
  });

  test('deletes only what was there, where the table is kept', async () => {
    const changes = ['a=yes@0', 'a=null@0'];
    expect(await changesOf((table) => table.filter(yes), updates, { store: 'rows' })).toEqual(
      changes,
    );
    const kept = await changesOf(
      (table) => table.filterNot((_, row) => row === 'no', { store: 'passed' }),
      updates,
      { store: 'rows' },
    );
    expect(kept).toEqual(changes);
  });
});

test('toStream with a selector gives changes another key, deletions too', async () => {
  const { out } = await runTopology(
    (builder) => {
      builder
        .table('in', STRINGS)
        .toStream((key, value) => `${key}${String(value)}`)
        .to('out', STRINGS);
    },
    ['in a=x', 'in a=-@1'],
  );
  expect(out).toEqual(['ax=x@0', 'anull=null@1']);
});

describe('mapValues of a table', () => {
  test('does not see deletions, and may delete by null', async () => {
    const seen: unknown[] = [];
    const mapper = (row: string) => {
      seen.push(row);
      return row === 'gone' ? null : row.toUpperCase();
    };
    const updates = ['in a=x', 'in a=-', 'in a=gone'];
    const expected = ['a=X@0', 'a=null@0', 'a=null@0'];
    expect(await changesOf((table) => table.mapValues(mapper), updates)).toEqual(expected);
    expect(seen).toEqual(['x', 'gone']);
  });
});

describe('a grouped table', () => {
  // Rows are `group:amount`.
  const groupOf = (key: string, row: string): readonly [string | null, string] => {
    const [group = '', amount = ''] = row.split(':');
    return [group === 'none' ? null : group, `${key}${amount}`];
  };
  const grouped = (table: KTable<string, string>) => table.groupBy(groupOf, STRINGS);

  test('counts the rows of each group, as they come, move and go', async () => {
    const changes = await changesOf(
      (table) => grouped(table).count().mapValues(String),
      ['in a=x:1@1', 'in b=x:2@2', 'in a=y:3@3', 'in b=-@4', 'in c=none:1@5'],
    );
    expect(changes).toEqual(['x=1@1', 'x=2@2', 'x=1@3', 'y=1@3', 'x=0@4']);
  });

  test('takes the old value out before it adds the new one, in one step within a group', async () => {
    const log: string[] = [];
    const changes = await changesOf(
      (table) =>
        grouped(table).aggregate(
          () => '',
          (group, row, all) => {
            log.push(`+${group}:${row}`);
            return all + row;
          },
          (group, row, all) => {
            log.push(`-${group}:${row}`);
            return all.replace(row, '');
          },
          { value: serdes.string },
        ),
      ['in a=x:1@5', 'in b=x:2@4', 'in a=x:3@3'],
    );
    expect(log).toEqual(['+x:a1', '+x:b2', '-x:a1', '+x:a3']);
    expect(changes).toEqual(['x=a1@5', 'x=a1b2@5', 'x=b2a3@5']);
  });

  test('reduce takes the first row as it is, and null deletes the group', async () => {
    const changes = await changesOf(
      (table) =>
        grouped(table).reduce(
          (all, row) => all + row,
          (all, row) => (all === row ? null : all.replace(row, '')),
        ),
      ['in a=x:1', 'in b=x:2', 'in a=-', 'in b=-', 'in b=-'],
    );
    expect(changes).toEqual(['x=a1@0', 'x=a1b2@0', 'x=b2@0', 'x=null@0']);
  });

  test('the count of counts sees every change of a row, caching or not', async () => {
    for (const caching of [true, false]) {
      const { out } = await runTopology(
        (builder) => {
          builder
            .stream('in', STRINGS)
            .groupByKey()
            .count({ caching })
            .groupBy((_, count) => ['all', String(count)], STRINGS)
            .count({ caching })
            .toStream()
            .mapValues(String)
            .to('out', STRINGS);
        },
        ['in a=1', 'in b=1', 'in a=2'],
      );
      expect(out).toEqual(['all=1@0', 'all=2@0', 'all=2@0']);
    }
  });
});

describe('toTable', () => {
  test('keeps the last value of each key; null deletes, a record without a key is dropped', async () => {
    const { out, dropped } = await runTopology(
      (builder) => {
        builder.stream('in', STRINGS).toTable({ store: 'rows' }).toStream().to('out', STRINGS);
      },
      ['in a=1@5', 'in a=-@3', 'in -=2'],
    );
    expect(out).toEqual(['a=1@5', 'a=null@3']);
    expect(dropped).toEqual({ 'null-key': 1 });
  });
});
