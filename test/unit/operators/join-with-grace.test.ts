import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import type { StoreOptions } from '../../../src/dsl/options.ts';
import { failure } from '../../support/failure.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

const both = (left: string, right: string | null) => `${left}+${String(right)}`;
const VERSIONED = { store: 'rows', versioned: { historyRetention: 100 } };

const joining =
  (kind: 'join' | 'leftJoin', table: StoreOptions = VERSIONED, grace = 10) =>
  (builder: StreamsBuilder): void => {
    const rows = builder.table('table', { ...STRINGS, ...table });
    const stream = builder.stream('in', STRINGS);
    const options = { ...STRINGS, grace };
    const joined =
      kind === 'join' ? stream.join(rows, both, options) : stream.leftJoin(rows, both, options);
    joined.to('out', STRINGS);
  };

describe('a stream joined with a versioned table, with grace', () => {
  test('a record waits for stream time, then finds the row of its time, which may have come after it', async () => {
    const { out } = await runTopology(joining('leftJoin'), [
      'in a=1@10',
      'table a=x@9',
      'in b=2@19',
      'table a=y@11',
      'in b=3@20', // 1 is due
      'in b=4@29', // and now 2
    ]);
    expect(out).toEqual(['a=1+x@10', 'b=2+null@19']);
  });

  test('what is due together leaves in order of time', async () => {
    const { out } = await runTopology(joining('leftJoin'), [
      'in a=1@15',
      'in c=2@12',
      'in b=3@12',
      'in z=4@100',
    ]);
    expect(out).toEqual(['b=3+null@12', 'c=2+null@12', 'a=1+null@15']);
  });

  test('records of one key and time all wait, and leave in the order they came in', async () => {
    const { out } = await runTopology(joining('leftJoin'), ['in a=1@5', 'in a=2@5', 'in b=3@15']);
    expect(out).toEqual(['a=1+null@5', 'a=2+null@5']);
  });

  test('a record that is late by more than the grace joins at once, one late by just that waits its turn', async () => {
    const { out } = await runTopology(joining('leftJoin'), [
      'in a=1@50',
      'in a=2@39',
      'in a=3@40', // due with its own arrival
    ]);
    expect(out).toEqual(['a=2+null@39', 'a=3+null@40']);
  });

  test('table updates alone let nothing go', async () => {
    const { out } = await runTopology(joining('join'), ['table a=x@1', 'in a=1@5', 'table a=y@99']);
    expect(out).toEqual([]);
  });

  test('inner: what finds no row when it is due gives nothing', async () => {
    const { out } = await runTopology(joining('join'), [
      'in a=1@5',
      'in b=2@6',
      'table b=x@6',
      'in c=3@50',
    ]);
    expect(out).toEqual(['b=2+x@6']);
  });

  test('a record without a key gives a result at once in a left join, and is dropped in an inner one', async () => {
    const records = ['in -=1@5', 'in a=-@6'];
    expect(await runTopology(joining('leftJoin'), records)).toEqual({
      out: ['null=1+null@5'],
      dropped: { 'null-value': 1 },
    });
    expect((await runTopology(joining('join'), records)).dropped).toEqual({
      'null-join-key': 1,
      'null-value': 1,
    });
  });
});

describe('misuse of grace', () => {
  const misused = (topology: (builder: StreamsBuilder) => void): string =>
    failure(() => {
      const builder = new StreamsBuilder();
      topology(builder);
      builder.build();
    });

  test('a table without versions', () => {
    expect(misused(joining('join', { store: 'rows' }))).toMatch(
      /^STREAMS_TOPOLOGY: .*its table keeps no versions: give the table .*versioned/,
    );
  });

  test('a grace longer than the history retention, or below 0', () => {
    const longer = /^STREAMS_TOPOLOGY: the grace of 101 ms is not within .* of 100 ms/;
    expect(misused(joining('join', VERSIONED, 101))).toMatch(longer);
    expect(misused(joining('join', VERSIONED, 100))).toBe('nothing was thrown');
    expect(misused(joining('join', VERSIONED, -1))).toMatch(/^STREAMS_(TOPOLOGY|CONFIG)/);
  });

  test('a stream whose serdes are not known: what waits is written down', () => {
    const message = misused((builder) => {
      const rows = builder.table('table', { ...STRINGS, ...VERSIONED });
      builder
        .stream('in', STRINGS)
        .mapValues((value) => value.length)
        .join(rows, (length, row) => `${length}${row}`, { grace: 10 })
        .to('out', STRINGS);
    });
    expect(message).toMatch(/^STREAMS_TOPOLOGY: no serde for the value of this store is known/);
  });
});
