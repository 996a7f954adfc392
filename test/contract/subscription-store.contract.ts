import { serdes } from '../../src/serde/serdes.ts';
import { asSubscriptionStore } from '../../src/state/store-views.ts';
import { subscriptionStoreBuilder } from '../../src/state/stores.ts';
import type { SubscriptionStore } from '../../src/state/subscription-store.ts';
import { StoreTask } from '../support/store-task.ts';
import type { PagedVariant } from './join-store.contract.ts';

/** What every `SubscriptionStore` promises, whatever is below it. */
export function subscriptionStoreContract({ storage, objectsBytes }: PagedVariant): void {
  function open(): Promise<StoreTask> {
    const builder = subscriptionStoreBuilder({
      name: 'store',
      foreignKey: serdes.string,
      primaryKey: serdes.int,
      value: serdes.json<{ n: number }>(),
      topic: 'subscriptions',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }

  type Store = SubscriptionStore<string, number, { n: number }>;
  const of = (task: StoreTask): Store => asSubscriptionStore(task.store);
  const under = (task: StoreTask, foreignKey: string): string[] =>
    of(task)
      .prefix(foreignKey)
      .map(({ primaryKey, value, timestampMs }) => `${primaryKey}=${value.n}@${timestampMs}`);

  test('rows of a foreign key come by the bytes of their primary keys, and no others', async () => {
    await using task = await open();
    of(task).put('a', 300, { n: 1 }, 5);
    of(task).put('ab', 1, { n: 2 }, 5);
    await task.commit();
    of(task).put('a', 2, { n: 3 }, 6);
    of(task).put('a', -1, { n: 4 }, 7); // as bytes, higher than any positive number
    expect(under(task, 'a')).toEqual(['2=3@6', '300=1@5', '-1=4@7']);
    expect(under(task, 'b')).toEqual([]);
    expect(of(task).get('ab', 1)).toEqual({ value: { n: 2 }, timestampMs: 5 });
    expect(of(task).get('ab', 300)).toBeNull();
  });

  test('a row is replaced and deleted, and comes back from the changelog', async () => {
    const task = await open();
    of(task).put('a', 1, { n: 1 }, 5);
    of(task).put('a', 2, { n: 2 }, 5);
    of(task).put('a', 1, { n: 3 }, 4);
    of(task).put('a', 2, null, 6);
    await task.commit();
    await using rebuilt = await task.rebuild();
    expect(under(rebuilt, 'a')).toEqual(['1=3@4']);
  });

  test('an abort and a record that is taken back leave what was there', async () => {
    await using task = await open();
    of(task).put('a', 1, { n: 1 }, 5);
    await task.commit();
    task.failing(() => {
      of(task).put('a', 1, null, 6);
      of(task).put('a', 2, { n: 2 }, 6);
    });
    expect(under(task, 'a')).toEqual(['1=1@5']);
    of(task).put('a', 1, { n: 9 }, 9);
    of(task).put('b', 1, { n: 9 }, 9);
    task.abort();
    expect([under(task, 'a'), under(task, 'b')]).toEqual([['1=1@5'], []]);
  });

  test('more rows than fit a page stay in order', async () => {
    const task = await open();
    const keys = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 3000);
    for (const key of keys) of(task).put('a', key, { n: key }, key);
    await task.commit();
    await using rebuilt = await task.rebuild();
    const found = of(rebuilt).prefix('a');
    expect(found.map(({ primaryKey }) => primaryKey)).toEqual([...keys].sort((a, b) => a - b));
  });

  test('logs the combined key, the value, and the time as that of the record, as Kafka Streams', async () => {
    await using task = await open();
    of(task).put('fk', 258, { n: 7 }, 1234);
    of(task).put('fk', 258, null, 1235);
    const key = Uint8Array.of(0, 0, 0, 2, 102, 107, 0, 0, 1, 2);
    expect(task.changelog).toEqual([
      { key, value: new Uint8Array(Buffer.from('{"n":7}')), timestampMs: 1234 },
      { key, value: null, timestampMs: 1235 },
    ]);
  });
}
