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
      primaryKey: serdes.string,
      value: serdes.string,
      persistent: storage === 'level',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }
  const of = (task: StoreTask): SubscriptionStore<string, string, string> =>
    asSubscriptionStore(task.store);
  const under = (task: StoreTask, foreignKey: string): string[] =>
    of(task)
      .prefix(foreignKey)
      .map(({ primaryKey, value, timestampMs }) => `${primaryKey}=${value}@${timestampMs}`);

  test('the rows of a foreign key come by primary key bytes, without those of longer keys', async () => {
    const task = await open();
    of(task).put('f', 'z', '1', 1);
    of(task).put('fa', 'b', '2', 2);
    await task.commit();
    of(task).put('f', 'ab', '3', 3);
    of(task).put('f', 'b', '4', 4);
    expect(under(task, 'f')).toEqual(['ab=3@3', 'b=4@4', 'z=1@1']);
    await task.commit();
    await using rebuilt = await task.rebuild();
    expect(under(rebuilt, 'f')).toEqual(['ab=3@3', 'b=4@4', 'z=1@1']);
    expect(of(rebuilt).get('fa', 'b')).toEqual({ value: '2', timestampMs: 2 });
    expect(of(rebuilt).get('f', 'a')).toBeNull();
  });

  test('null deletes one row', async () => {
    const task = await open();
    of(task).put('f', 'a', '1', 1);
    of(task).put('f', 'b', '2', 2);
    await task.commit();
    of(task).put('f', 'a', null, 3);
    expect(under(task, 'f')).toEqual(['b=2@2']);
    task.abort();
    expect(under(task, 'f')).toEqual(['a=1@1', 'b=2@2']);
    task.failing(() => {
      of(task).put('f', 'a', null, 3);
    });
    of(task).put('f', 'b', null, 3);
    await task.commit();
    await using crashed = await task.crash();
    expect(under(crashed, 'f')).toEqual(['a=1@1']);
  });

  test('a foreign key with many rows takes several pages', async () => {
    const task = await open();
    const keys = Array.from({ length: 300 }, (_, at) => `k${String(at).padStart(3, '0')}`);
    for (const key of [...keys].reverse()) of(task).put('f', key, 'x'.repeat(1000), 1);
    await task.commit();
    await using crashed = await task.crash();
    expect(
      of(crashed)
        .prefix('f')
        .map(({ primaryKey }) => primaryKey),
    ).toEqual(keys);
  });

  test('logs length and bytes of the foreign key, then the primary key, as Kafka Streams', async () => {
    await using task = await open();
    task.timestampMs = 9;
    of(task).put('fk', 'p', 'v', 5);
    of(task).put('fk', 'p', null, 5);
    const key = Uint8Array.of(0, 0, 0, 2, 102, 107, 112);
    expect(task.changelog).toEqual([
      { key, value: Uint8Array.of(118), timestampMs: 5 },
      { key, value: null, timestampMs: 9 },
    ]);
  });
}
