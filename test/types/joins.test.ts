/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- of what does not compile it sees another overload */
import { JoinWindows } from '../../src/common/join-windows.ts';
import type { KStream } from '../../src/dsl/kstream.ts';
import type { KTable } from '../../src/dsl/ktable.ts';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { typeOf } from './equal.ts';

interface Order {
  user: string;
  amount: number;
}

interface User {
  city: string;
}

function start() {
  const builder = new StreamsBuilder();
  return {
    builder,
    orders: builder.table('orders', { key: serdes.string, value: serdes.json<Order>() }),
    users: builder.table('users', { key: serdes.string, value: serdes.json<User>() }),
  };
}

describe('a join of tables', () => {
  test('infers what its joiner gives, and whether a side can be missing', () => {
    const { orders, users } = start();
    const inner = orders.join(users, ({ amount }, { city }) => ({ amount, city }));
    typeOf(inner).is<
      KTable<
        string,
        { amount: number; city: string },
        'key',
        { amount: number; city: string } | null
      >
    >();
    const left = orders.leftJoin(users, (_order, user) => user?.city ?? 'nowhere');
    typeOf(left).is<KTable<string, string, 'key', string | null>>();
    const outer = orders.outerJoin(
      users,
      (order, user) => (order?.amount ?? 0) + (user === null ? 0 : 1),
      {
        value: serdes.long,
      },
    );
    typeOf(outer).is<KTable<string, number, 'key' | 'value', number | null>>();
  });

  test('refuses a joiner that forgets that a row can be missing', () => {
    const { orders, users } = start();
    // @ts-expect-error in a left join there may be no user
    orders.leftJoin(users, (_order, user) => user.city);
    // @ts-expect-error in an outer join there may be no order
    orders.outerJoin(users, (order) => order.amount);
    // @ts-expect-error a user has no country
    orders.join(users, (_order, user) => String(user.country));
  });

  test('refuses a table of other keys, and a store without a serde', () => {
    const { builder, orders, users } = start();
    const numbered = builder.table('numbered', { key: serdes.int, value: serdes.string });
    // @ts-expect-error its keys are numbers
    orders.join(numbered, () => 1);
    // @ts-expect-error the store needs to know how to write what the joiner gives
    orders.join(users, (order, user) => ({ order, user }), { store: 'joined' });
  });
});

describe('a join of streams', () => {
  function streams() {
    const builder = new StreamsBuilder();
    return {
      clicks: builder.stream('clicks', { key: serdes.string, value: serdes.json<Order>() }),
      views: builder.stream('views', { key: serdes.string, value: serdes.json<User>() }),
      windows: JoinWindows.of({ timeDifference: '1m' }),
    };
  }

  test('infers what its joiner gives, and knows the serde of the key', () => {
    const { clicks, views, windows } = streams();
    const inner = clicks.join(views, ({ amount }, { city }) => `${amount}${city}`, windows);
    typeOf(inner).is<KStream<string, string, 'key'>>();
    const outer = clicks.outerJoin(views, (click, view) => click?.user ?? view?.city, windows);
    typeOf(outer).is<KStream<string, string | undefined, 'key'>>();
  });

  test('asks for the serdes that are not known', () => {
    const { clicks, views, windows } = streams();
    const cities = views.mapValues(({ city }) => city);
    const join = (click: Readonly<Order>, city: string) => `${click.user}${city}`;
    clicks.join(cities, join, windows, { otherValue: serdes.string });
    // @ts-expect-error the cities have none
    clicks.join(cities, join, windows);
    // @ts-expect-error cities are no numbers
    clicks.join(cities, join, windows, { otherValue: serdes.long });
  });

  test('refuses a joiner that forgets that a record can be missing, and a join without windows', () => {
    const { clicks, views, windows } = streams();
    // @ts-expect-error there may be no view
    clicks.leftJoin(views, (_click, view) => view.city, windows);
    // @ts-expect-error there may be no click
    clicks.outerJoin(views, (click) => click.amount, windows);
    const join = (click: Readonly<Order>, view: Readonly<User>) => `${click.user}${view.city}`;
    // @ts-expect-error how near must the times be?
    expect(() => clicks.join(views, join)).toThrow();
  });
});

test('toStream with a selector changes the type of the key and forgets its serde', () => {
  const { orders } = start();
  const byAmount = orders.toStream((_key, order) => order?.amount ?? 0);
  typeOf(byAmount).is<KStream<number, Order | null, 'value'>>();
});
