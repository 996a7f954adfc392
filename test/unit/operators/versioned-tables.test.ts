import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import type { KTable } from '../../../src/dsl/ktable.ts';
import { Suppressed } from '../../../src/dsl/suppressed.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { failure } from '../../support/failure.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

const VERSIONED = { store: 'rows', versioned: { historyRetention: 100 } };
const COUNTS = { key: serdes.string, value: serdes.long };
const both = (left: string | null, right: string | null) => `${String(left)}+${String(right)}`;
const versionedTable = (builder: StreamsBuilder, topic = 'table'): KTable<string, string> =>
  builder.table(topic, { ...STRINGS, ...VERSIONED, store: `${topic}-rows` });

describe('a versioned table', () => {
  test('tells late updates too, but not those older than its history retention', async () => {
    const { out, dropped } = await runTopology(
      (builder) => {
        versionedTable(builder).toStream().to('out', STRINGS);
      },
      ['table a=1@200', 'table a=late@150', 'table a=lost@99', 'table b=2@100'],
    );
    expect(out).toEqual(['a=1@200', 'a=late@150', 'b=2@100']);
    expect(dropped).toEqual({ 'expired-window': 1 });
  });

  test('can be read as it was, by the name of its store', async () => {
    const builder = new StreamsBuilder();
    versionedTable(builder).toStream().to('out', STRINGS);
    await using driver = await TopologyTestDriver.create(builder.build());
    const input = driver.createInputTopic('table', STRINGS);
    await input.pipe({ key: 'a', value: '2', timestampMs: 20 });
    await input.pipe({ key: 'a', value: '1', timestampMs: 10 });
    const rows = driver.versionedKeyValueStore<string, string>('table-rows');
    expect(rows.get('a')).toEqual({ value: '2', timestampMs: 20, validToMs: null });
    expect(rows.getAsOf('a', 19)).toEqual({ value: '1', timestampMs: 10, validToMs: 20 });
  });

  test('its filter deletes what was never there, since a deletion is a version too', async () => {
    const filtered = (options: object) => (builder: StreamsBuilder) => {
      builder
        .table('table', { ...STRINGS, ...options })
        .filter((_, row) => row !== 'hidden')
        .toStream()
        .to('out', STRINGS);
    };
    const records = ['table a=hidden@5', 'table b=2@6'];
    expect((await runTopology(filtered(VERSIONED), records)).out).toEqual(['a=null@5', 'b=2@6']);
    expect((await runTopology(filtered({ store: 'rows' }), records)).out).toEqual(['b=2@6']);
  });

  test('its groups follow the latest versions: a late update is neither taken out nor added', async () => {
    const { out } = await runTopology(
      (builder) => {
        versionedTable(builder)
          .groupBy((_, row) => [row, row], STRINGS)
          .count({ caching: false })
          .toStream()
          .to('out', COUNTS);
      },
      ['table a=x@9', 'table a=y@5', 'table a=z@10'],
      { out: COUNTS },
    );
    expect(out).toEqual(['x=1@9', 'x=0@10', 'z=1@10']);
  });

  test('a late update is no change for joins with other tables', async () => {
    const joined = (builder: StreamsBuilder): void => {
      const other = builder.table('other', { ...STRINGS, store: 'others' });
      versionedTable(builder).outerJoin(other, both).toStream().to('out', STRINGS);
    };
    const { out, dropped } = await runTopology(joined, [
      'table a=1@9',
      'other a=x@3',
      'table a=2@5',
      'other a=y@2', // a table without versions goes by offset
      'table a=3@9',
    ]);
    expect(out).toEqual(['a=1+null@9', 'a=1+x@9', 'a=1+y@9', 'a=3+y@9']);
    expect(dropped).toEqual({ 'out-of-order': 1 });
  });

  test('a late update is no change for joins by a foreign key, on either side', async () => {
    const joined = (builder: StreamsBuilder): void => {
      versionedTable(builder)
        .join(versionedTable(builder, 'other'), (row) => row, both)
        .toStream()
        .to('out', STRINGS);
    };
    const { out, dropped } = await runTopology(joined, [
      'other x=1@9',
      'table a=x@9',
      'other x=0@5',
      'table a=y@5',
    ]);
    expect(out).toEqual(['a=x+1@9']);
    expect(dropped).toEqual({ 'out-of-order': 2 });
  });
});

describe('a stream joined with a versioned table', () => {
  const joining = (derive: (table: KTable<string, string>) => KTable<string, string>) => {
    return (builder: StreamsBuilder): void => {
      const table = derive(versionedTable(builder));
      builder.stream('in', STRINGS).leftJoin(table, both).to('out', STRINGS);
    };
  };
  const records = [
    'table a=x@10',
    'table a=-@20',
    'table a=y@30',
    'table a=w@15',
    'in a=1@9',
    'in a=2@10',
    'in a=3@19',
    'in a=4@20',
    'in a=5@99',
  ];

  test("finds the row as it was at the record's time", async () => {
    expect(
      (
        await runTopology(
          joining((table) => table),
          records,
        )
      ).out,
    ).toEqual(['a=1+null@9', 'a=2+x@10', 'a=3+w@19', 'a=4+null@20', 'a=5+y@99']);
  });

  test('does so through filters and mappers that are not kept', async () => {
    const derive = (table: KTable<string, string>) =>
      table.filter((_, row) => row !== 'w').mapValues((row) => row.toUpperCase());
    expect((await runTopology(joining(derive), records)).out).toEqual([
      'a=1+null@9',
      'a=2+X@10',
      'a=3+null@19',
      'a=4+null@20',
      'a=5+Y@99',
    ]);
  });

  test('finds the latest row where the derived table is kept without versions', async () => {
    const derive = (table: KTable<string, string>) => table.filter(() => true, { store: 'kept' });
    const { out } = await runTopology(joining(derive), ['table a=x@10', 'in a=1@9']);
    expect(out).toEqual(['a=1+x@9']);
  });

  test('a derived table keeps versions of its own where asked to', async () => {
    const derive = (table: KTable<string, string>) =>
      table.mapValues((row) => `<${row}>`, { ...STRINGS, ...VERSIONED });
    const { out } = await runTopology(joining(derive), [
      'table a=x@10',
      'table a=y@20',
      'in a=1@19',
    ]);
    expect(out).toEqual(['a=1+<x>@19']);
  });

  test('an aggregate keeps versions too: the table as it was after each record', async () => {
    const { out } = await runTopology(
      (builder) => {
        const table = builder
          .stream('table', STRINGS)
          .groupByKey()
          .reduce((all, row) => all + row, VERSIONED);
        builder.stream('in', STRINGS).leftJoin(table, both).to('out', STRINGS);
      },
      ['table a=x@10', 'table a=y@20', 'in a=1@19', 'in a=2@20'],
    );
    expect(out).toEqual(['a=1+x@19', 'a=2+xy@20']);
  });
});

describe('misuse of versioned tables', () => {
  const misused = (topology: (builder: StreamsBuilder) => void): string =>
    failure(() => {
      topology(new StreamsBuilder());
    });

  test('a versioned store needs a name', () => {
    const message = misused((builder) => {
      builder.table('table', { ...STRINGS, versioned: { historyRetention: '1h' } });
    });
    expect(message).toBe(
      "STREAMS_TOPOLOGY: versions are kept in a store of a name: pass { store: '…' } beside versioned",
    );
  });

  test('a versioned table is not suppressed, nor is what is read through it', () => {
    const message = misused((builder) => {
      versionedTable(builder)
        .filter(() => true)
        .suppress(Suppressed.untilTimeLimit('1s', { maxRecords: 1 }));
    });
    expect(message).toMatch(/^STREAMS_TOPOLOGY: .*suppress a table that keeps none/);
  });
});
