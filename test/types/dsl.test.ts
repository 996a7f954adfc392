import type { KStream } from '../../src/dsl/kstream.ts';
import type { KTable } from '../../src/dsl/ktable.ts';
import {
  StreamRecord,
  StreamsBuilder,
  TimeWindows,
  serdes,
  type FixedKeyRecord,
  type Windowed,
} from '../../src/index.ts';
import { typeOf } from './equal.ts';

// The compiler is the test here: each line marked `@ts-expect-error` has to be refused, or tsc fails. Jest runs the rest.

interface Order {
  readonly user: string;
  amount: number;
}

const ORDERS = { key: serdes.string, value: serdes.json<Order>() };
const USERS = { key: serdes.string, value: serdes.json<{ city: string }>() };

const start = () => {
  const builder = new StreamsBuilder();
  return { builder, orders: builder.stream('orders', ORDERS) };
};

describe('types flow from operator to operator', () => {
  test('through stateless operators, with what is known of serdes', () => {
    const { orders } = start();
    typeOf(orders).is<KStream<string, Order>>();

    const amounts = orders
      .filter((_, order) => order.amount > 0)
      .mapValues((order) => order.amount);
    typeOf(amounts).is<KStream<string, number, 'key'>>();

    const pairs = orders.map((key, order) => [order.amount, key]);
    typeOf(pairs).is<KStream<number, string, never>>();

    const words = orders.flatMapValues((order) => order.user.split(' '));
    typeOf(words).is<KStream<string, string, 'key'>>();

    const flat = orders.flatMap((key, order) => [[key.length, order.amount]]);
    typeOf(flat).is<KStream<number, number, never>>();

    const byUser = orders.selectKey((_, order) => order.user.length);
    typeOf(byUser).is<KStream<number, Order, 'value'>>();
  });

  test('through aggregations, where null says that rows can be deleted', () => {
    const { orders } = start();
    const counts = orders.groupByKey().count();
    typeOf(counts).is<KTable<string, number, 'key' | 'value', number>>();

    const totals = orders.groupByKey().aggregate(
      () => ({ total: 0 }),
      (_key, order, sum) => ({ total: sum.total + order.amount }),
      { value: serdes.json() },
    );
    const totalStream = totals.toStream();
    typeOf(totalStream).is<KStream<string, { total: number }>>();

    const deleting = orders.groupByKey().aggregate(
      () => 0,
      (_key, order, sum) => (order.amount === 0 ? null : sum + order.amount),
      { value: serdes.long },
    );
    const deletingStream = deleting.toStream();
    typeOf(deletingStream).is<KStream<string, number | null>>();

    const windowed = orders
      .groupByKey()
      .windowedBy(TimeWindows.of({ size: '1m' }))
      .count()
      .toStream();
    typeOf(windowed).is<KStream<Windowed<string>, number>>();
  });

  test('through processors, where a fixed key keeps its serde', () => {
    const { orders } = start();
    const amounts = orders.processValues<number>({
      create: (context) => ({
        process: (record) => {
          typeOf(record).is<FixedKeyRecord<string, Order>>();
          context.forward(record.withValue(record.value.amount));
        },
      }),
    });
    typeOf(amounts).is<KStream<string, number, 'key'>>();
    const open = orders.process<number, string>({ create: () => ({ process: () => undefined }) });
    typeOf(open).is<KStream<number, string, never>>();
  });

  test('through tables and joins', () => {
    const { builder, orders } = start();
    const users = builder.table('users', USERS);
    const cities = users.toStream();
    typeOf(cities).is<KStream<string, { city: string } | null>>();

    const joined = orders.join(
      users,
      (order, user, key) => [key, user.city, order.amount] as const,
    );
    typeOf(joined).is<KStream<string, readonly [string, string, number], 'key'>>();

    const left = orders.leftJoin(users, (_order, user) => user?.city);
    typeOf(left).is<KStream<string, string | undefined, 'key'>>();

    const airports = builder.globalTable('airports', { key: serdes.int, value: serdes.string });
    const global = orders.join(
      airports,
      (_key, order) => order.amount,
      (order, airport) => `${order.user}@${airport}`,
    );
    typeOf(global).is<KStream<string, string, 'key'>>();
  });
});

test('a table that never deletes rows can stand where one that may is asked for', () => {
  const { orders } = start();
  const nameOf = (table: KTable<string, number>): string | null => table.queryableStore;
  expect(nameOf(orders.groupByKey().count({ store: 'counts' }))).toBe('counts');
});

describe('the compiler refuses', () => {
  test('a serde that is not known where one is needed', () => {
    const { orders } = start();
    const amounts = orders.mapValues((order) => order.amount);
    amounts.to('a', { value: serdes.long });
    // @ts-expect-error the value has no serde
    amounts.to('b');
    // @ts-expect-error the key is known, the value is not
    amounts.to('c', { key: serdes.string });
    const rekeyed = orders.selectKey((_, order) => order.amount).groupByKey();
    // @ts-expect-error a key that was changed has no serde
    rekeyed.count();
    // @ts-expect-error a new key needs one
    expect(() => orders.groupBy((_, order) => order.user)).toThrow();
    const sum = (_key: string, _order: Order, total: number): number => total + 1;
    // @ts-expect-error an aggregate needs one
    expect(() => orders.groupByKey().aggregate(() => 0, sum)).toThrow();
  });

  test('a serde of another type', () => {
    const { orders } = start();
    // @ts-expect-error orders are no numbers
    orders.to('a', { value: serdes.long });
    // @ts-expect-error keys are strings
    orders.to('b', { key: serdes.int });
  });

  test('versions of windows', () => {
    const { orders } = start();
    const perMinute = orders.groupByKey().windowedBy(TimeWindows.of({ size: '1m' }));
    // @ts-expect-error windows keep no versions
    perMinute.count({ store: 'counts', versioned: { historyRetention: '1h' } });
  });

  test('a function that does not fit', () => {
    const { builder, orders } = start();
    const users = builder.table('users', USERS);
    // @ts-expect-error an order has no price
    orders.filter((_, order) => order.price > 0);
    // @ts-expect-error in an inner join a user has a city, not a country
    orders.join(users, (_order, { country }) => String(country));
    // @ts-expect-error in a left join there may be no user
    orders.leftJoin(users, (_order, user) => user.city);
    // @ts-expect-error map() returns a pair
    orders.map((key) => key);
    // @ts-expect-error an async predicate holds always
    orders.filter(async () => Promise.resolve(false));
  });

  test('changing a value that others see, but not an aggregate', () => {
    const { orders } = start();
    orders.peek((_, order) => {
      // @ts-expect-error values on a stream are shared
      order.amount = 0;
    });
    orders.groupByKey().aggregate(
      () => ({ total: 0 }),
      (_key, order, sum) => {
        sum.total += order.amount;
        return sum;
      },
      { value: serdes.json() },
    );
  });

  test('another key from a fixed-key processor', () => {
    const { orders } = start();
    orders.processValues<number>({
      create: (context) => ({
        process: (record) => {
          // @ts-expect-error it has no withKey
          expect(record.withKey).toBeUndefined();
          // @ts-expect-error its key is read-only
          expect(() => (record.key = 'other')).toThrow();
          const forged = new StreamRecord('other', 1, record.timestampMs);
          // @ts-expect-error a record of one's own can have any key
          context.forward(forged); // eslint-disable-line @typescript-eslint/no-unsafe-class-instance-assignment -- as the compiler says
          // @ts-expect-error the values are numbers
          context.forward(record.withValue('one'));
        },
      }),
    });
  });

  test('a join with a table of other keys', () => {
    const { builder, orders } = start();
    const byNumber = builder.table('numbered', { key: serdes.int, value: serdes.string });
    // @ts-expect-error the table's keys are numbers
    orders.join(byNumber, (order) => order);
  });
});
