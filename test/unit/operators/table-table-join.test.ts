import fc from 'fast-check';
import type { KTable } from '../../../src/dsl/ktable.ts';
import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

type Table = KTable<string, string>;
type Kind = 'join' | 'leftJoin' | 'outerJoin';

const both = (left: string | null, right: string | null) => `${String(left)}+${String(right)}`;
const stored = { store: 'joined', value: STRINGS.value };

function joining(kind: Kind, options: object = {}) {
  return (builder: StreamsBuilder): Table => {
    const left = builder.table('left', STRINGS);
    const right = builder.table('right', STRINGS);
    if (kind === 'join') return left.join(right, both, options);
    return kind === 'leftJoin'
      ? left.leftJoin(right, both, options)
      : left.outerJoin(right, both, options);
  };
}

const written = (make: (builder: StreamsBuilder) => Table) => (builder: StreamsBuilder) => {
  make(builder).toStream().to('out', STRINGS);
};

async function joined(kind: Kind, records: readonly string[], options: object = {}) {
  return (await runTopology(written(joining(kind, options)), records)).out;
}

describe('a join of two tables', () => {
  const inserted = ['left a=1@5', 'right a=x@3', 'left a=2@1', 'right a=y@9'];

  test('inner: a change of either row gives one, as recent as the more recent row', async () => {
    expect(await joined('join', inserted)).toEqual(['a=1+x@5', 'a=2+x@3', 'a=2+y@9']);
  });

  test('left: the left row alone gives a result, the right one alone none', async () => {
    expect(await joined('leftJoin', inserted)).toEqual([
      'a=1+null@5',
      'a=1+x@5',
      'a=2+x@3',
      'a=2+y@9',
    ]);
    expect(await joined('leftJoin', ['right a=x', 'left a=1@2'])).toEqual(['a=1+x@2']);
  });

  test('outer: either row alone gives a result', async () => {
    expect(await joined('outerJoin', ['right a=x', 'left a=1@2', 'left b=3'])).toEqual([
      'a=null+x@0',
      'a=1+x@2',
      'b=3+null@0',
    ]);
  });

  const deleted = ['left a=1', 'right a=x', 'right a=-@7', 'left a=-@8', 'left a=-', 'right a=-'];

  test('inner: a deletion deletes while the other row is there', async () => {
    expect(await joined('join', deleted)).toEqual(['a=1+x@0', 'a=null@7']);
  });

  test('inner: where nothing caches, also a deletion of what was not there', async () => {
    const { out } = await runTopology(
      written((builder) => {
        const left = builder.table('left', { ...STRINGS, caching: false, store: 'rows' });
        return left.join(builder.table('right', STRINGS), both);
      }),
      ['left a=1', 'right a=x', 'left a=-@2', 'left a=-@3'],
    );
    expect(out).toEqual(['a=1+x@0', 'a=null@2', 'a=null@3']);
  });

  test('left: without the right row the left one stays, then a deletion is forwarded once', async () => {
    expect(await joined('leftJoin', deleted)).toEqual([
      'a=1+null@0',
      'a=1+x@0',
      'a=1+null@7',
      'a=null@8',
    ]);
  });

  test('outer: the last row of the two deletes', async () => {
    expect(await joined('outerJoin', deleted)).toEqual([
      'a=1+null@0',
      'a=1+x@0',
      'a=1+null@7',
      'a=null@8',
    ]);
    expect(await joined('outerJoin', ['left a=1', 'right a=x', 'left a=-', 'right a=-'])).toEqual([
      'a=1+null@0',
      'a=1+x@0',
      'a=null+x@0',
      'a=null@0',
    ]);
  });

  test('reads filtered and mapped tables that are not kept', async () => {
    const { out } = await runTopology(
      written((builder) => {
        const left = builder.table('left', STRINGS).filter((_, row) => row !== 'hidden');
        const right = builder.table('right', STRINGS).mapValues((row) => row.toUpperCase());
        return left.leftJoin(right, both);
      }),
      ['right a=x', 'left a=hidden', 'left a=1', 'left a=hidden'],
    );
    expect(out).toEqual(['a=1+X@0', 'a=null@0']);
  });

  test('is itself read through its two tables, kept or not', async () => {
    for (const options of [{}, stored]) {
      const { out } = await runTopology(
        (builder) => {
          const table = joining('outerJoin', options)(builder);
          builder.stream('in', STRINGS).leftJoin(table, both).to('out', STRINGS);
        },
        ['left a=1', 'in a=i', 'right a=x', 'in a=i', 'left a=-', 'in a=i', 'right a=-', 'in a=i'],
      );
      expect(out).toEqual(['a=i+1+null@0', 'a=i+1+x@0', 'a=i+null+x@0', 'a=i+null@0']);
    }
  });

  test('gives old values to what is grouped by it, kept or not', async () => {
    for (const options of [{}, stored, { ...stored, caching: false }]) {
      const { out } = await runTopology(
        (builder) => {
          joining(
            'join',
            options,
          )(builder)
            .groupBy((key, value) => [value.slice(0, 1), key], STRINGS)
            .count()
            .toStream()
            .mapValues(String)
            .to('out', STRINGS);
        },
        ['left a=1', 'right a=x', 'left b=1', 'right b=x', 'left a=2', 'right a=-'],
      );
      expect(out).toEqual(['1=1@0', '1=2@0', '1=1@0', '2=1@0', '2=0@0']);
    }
  });

  test('with itself joins every row with itself', async () => {
    const { out } = await runTopology(
      written((builder) => {
        const table = builder.table('left', STRINGS);
        return table.join(table, both);
      }),
      ['left a=1', 'left a=2'],
    );
    expect(out).toEqual(['a=1+1@0', 'a=1+1@0', 'a=2+2@0', 'a=2+2@0']);
  });

  test('ends as the join of what the tables end as, in any order of changes', async () => {
    const change = fc.tuple(
      fc.constantFrom('left', 'right'),
      fc.constantFrom('a', 'b'),
      fc.constantFrom('1', '2', '-'),
    );
    const kinds = fc.constantFrom<Kind>('join', 'leftJoin', 'outerJoin');
    const kept = fc.constantFrom({}, stored);
    await fc.assert(
      fc.asyncProperty(fc.array(change), kinds, kept, async (changes, kind, options) => {
        const records = changes.map(([topic, key, value]) => `${topic} ${key}=${value}`);
        const out = await joined(kind, records, options);
        const last = new Map(
          out.map((text) => text.replace(/@.*/, '').split('=', 2) as [string, string]),
        );

        const rowOf = (topic: string, key: string): string | null => {
          const value = changes.findLast(([t, k]) => t === topic && k === key)?.[2] ?? '-';
          return value === '-' ? null : value;
        };
        for (const key of ['a', 'b']) {
          const left = rowOf('left', key);
          const right = rowOf('right', key);
          const present =
            kind === 'join'
              ? left !== null && right !== null
              : left !== null || (kind === 'outerJoin' && right !== null);
          expect(last.get(key) ?? 'null').toBe(present ? both(left, right) : 'null');
        }
      }),
      { numRuns: 60 },
    );
  });
});
