import fc from 'fast-check';
import type { KTable } from '../../../src/dsl/ktable.ts';
import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

type Kind = 'join' | 'leftJoin';

/** `u1:book` points to the user `u1`; `:book` points to nobody. */
const userOf = (order: string): string | null => order.slice(0, order.indexOf(':')) || null;
const both = (order: string, user: string | null) => `${order}+${String(user)}`;

function joining(kind: Kind, options: object = {}) {
  return (builder: StreamsBuilder): void => {
    const orders = builder.table('orders', STRINGS);
    const users = builder.table('users', STRINGS);
    const joined: KTable<string, string> =
      kind === 'join'
        ? orders.join(users, userOf, both, options)
        : orders.leftJoin(users, userOf, both, options);
    joined.toStream().to('out', STRINGS);
  };
}

async function joined(kind: Kind, records: readonly string[]) {
  return (await runTopology(joining(kind), records)).out;
}

describe('an inner join by a foreign key', () => {
  test('gives a result where both rows are there, whichever came first', async () => {
    expect(await joined('join', ['users u=ann@1', 'orders 1=u:x@5', 'orders 2=v:y@6'])).toEqual([
      '1=u:x+ann@5',
    ]);
    expect(await joined('join', ['orders 1=u:x@5', 'users u=ann@9'])).toEqual(['1=u:x+ann@9']);
  });

  test('a change of the right row changes every row that points to it, in its own time', async () => {
    const records = [
      'orders 2=u:y@5',
      'orders 1=u:x@5',
      'orders 3=uu:z@5',
      'users u=ann@2',
      'users u=-@3',
    ];
    expect(await joined('join', records)).toEqual([
      '1=u:x+ann@2',
      '2=u:y+ann@2',
      '1=null@3',
      '2=null@3',
    ]);
  });

  test('a row that points elsewhere loses its result, or gets another', async () => {
    const users = ['users u=ann', 'users v=bob'];
    const changes = ['orders 1=u:x', 'orders 1=v:x', 'orders 1=w:x', 'users u=eve', 'users v=eve'];
    expect(await joined('join', [...users, ...changes])).toEqual([
      '1=u:x+ann@0',
      '1=v:x+bob@0',
      '1=null@0',
    ]);
  });

  test('an update of a row that has found nothing gives nothing', async () => {
    expect(await joined('join', ['orders 1=u:x', 'orders 1=u:y'])).toEqual([]);
  });

  test('a row that is deleted, or points to nothing any more, deletes its result', async () => {
    const { out, dropped } = await runTopology(joining('join'), [
      'users u=ann',
      'orders 1=u:x',
      'orders 1=:x',
      'orders 1=u:y',
      'orders 1=-',
      'orders 1=-',
      'orders 2=:z',
    ]);
    expect(out).toEqual(['1=u:x+ann@0', '1=null@0', '1=u:y+ann@0', '1=null@0']);
    expect(dropped).toEqual({ 'null-join-key': 2 });
  });
});

describe('a left join by a foreign key', () => {
  test('a row that points to nothing gives a result with null', async () => {
    const records = ['orders 1=:x@1', 'orders 2=u:y@2', 'users u=ann@3', 'users u=-@4'];
    expect(await joined('leftJoin', records)).toEqual([
      '1=:x+null@1',
      '2=u:y+null@2',
      '2=u:y+ann@3',
      '2=u:y+null@4',
    ]);
  });

  test('one change of a row gives one result', async () => {
    const users = ['users u=ann', 'users v=bob'];
    const changes = ['orders 1=u:x', 'orders 1=v:x', 'orders 1=w:x', 'orders 1=:x', 'orders 1=-'];
    expect(await joined('leftJoin', [...users, ...changes, 'orders 1=-'])).toEqual([
      '1=u:x+ann@0',
      '1=v:x+bob@0',
      '1=w:x+null@0',
      '1=:x+null@0',
      '1=null@0',
    ]);
  });
});

test('the foreign key may come from the key too', async () => {
  const { out } = await runTopology(
    (builder) => {
      const orders = builder.table('orders', STRINGS);
      orders
        .join(builder.table('users', STRINGS), (_, key) => key.slice(0, 1), both)
        .toStream()
        .to('out', STRINGS);
    },
    ['users u=ann', 'orders u1=x'],
  );
  expect(out).toEqual(['u1=x+ann@0']);
});

test('an answer to a row that has changed since it asked is dropped', async () => {
  const run = await runTopology(
    (builder) => {
      const orders = builder
        .stream('in', STRINGS)
        .flatMapValues((values) => values.split(','))
        .toTable({ ...STRINGS, caching: false });
      orders.join(builder.table('users', STRINGS), userOf, both).toStream().to('out', STRINGS);
    },
    ['users u=ann', 'users v=bob', 'in 1=u:x,v:y'],
  );
  expect(run).toEqual({ out: ['1=v:y+bob@0'], dropped: { 'stale-response': 1 } });
});

test('the result is kept where a store is named, and can be joined', async () => {
  const { out } = await runTopology(
    (builder) => {
      const orders = builder.table('orders', STRINGS);
      const named = orders.join(builder.table('users', STRINGS), userOf, both, {
        store: 'named',
        value: STRINGS.value,
      });
      builder.stream('in', STRINGS).leftJoin(named, both).to('out', STRINGS);
    },
    ['users u=ann', 'orders 1=u:x', 'in 1=i', 'users u=-', 'in 1=j'],
  );
  expect(out).toEqual(['1=i+u:x+ann@0', '1=j+null@0']);
});

test('partitioners are told the keys alone, and answers go back to the partition that asked', async () => {
  const asked: unknown[] = [];
  const partitioner = (_topic: string, key: string | null, value: null) => {
    asked.push([key, value]);
    return 0;
  };
  await runTopology(joining('join', { partitioner, otherPartitioner: partitioner }), [
    'users u=ann',
    'orders 1=u:x',
  ]);
  expect(asked).toEqual([
    ['u', null],
    ['1', null],
  ]);
});

test('ends as the join of what the tables end as, in any order of changes', async () => {
  const order = fc
    .tuple(fc.constantFrom('1', '2'), fc.constantFrom('u:x', 'u:y', 'v:x', ':x', '-'))
    .map(([key, value]) => ({ topic: 'orders', key, value }));
  const user = fc
    .tuple(fc.constantFrom('u', 'v'), fc.constantFrom('ann', 'bob', '-'))
    .map(([key, value]) => ({ topic: 'users', key, value }));
  const changes = fc.array(fc.oneof(order, user), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(changes, fc.constantFrom<Kind>('join', 'leftJoin'), async (given, kind) => {
      const out = await joined(
        kind,
        given.map(({ topic, key, value }) => `${topic} ${key}=${value}`),
      );
      const last = new Map(out.map((text) => [text.slice(0, 1), text.slice(2).replace(/@.*/, '')]));
      const rowOf = (topic: string, key: string | null): string | null => {
        const row = given.findLast((change) => change.topic === topic && change.key === key);
        return row === undefined || row.value === '-' ? null : row.value;
      };
      for (const key of ['1', '2']) {
        const row = rowOf('orders', key);
        const found = row === null ? null : rowOf('users', userOf(row));
        const present = row !== null && (kind === 'leftJoin' || found !== null);
        expect(last.get(key) ?? 'null').toBe(present ? both(row, found) : 'null');
      }
    }),
    { numRuns: 60 },
  );
});
