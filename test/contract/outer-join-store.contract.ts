import type { OuterJoinStore, PendingRecord } from '../../src/state/outer-join-store.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { asOuterJoinStore } from '../../src/state/store-views.ts';
import { outerJoinStoreBuilder } from '../../src/state/stores.ts';
import { StoreTask } from '../support/store-task.ts';
import type { PagedVariant } from './join-store.contract.ts';

/** What every `OuterJoinStore` promises, whatever is below it. */
export function outerJoinStoreContract({ storage, objectsBytes }: PagedVariant): void {
  function open(): Promise<StoreTask> {
    const builder = outerJoinStoreBuilder({
      name: 'store',
      key: serdes.string,
      left: serdes.json<number>(),
      right: serdes.string,
      persistent: storage === 'level',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }

  type Store = OuterJoinStore<string, number, string>;
  const of = (task: StoreTask): Store => asOuterJoinStore(task.store);
  const left = (
    key: string,
    timestampMs: number,
    value: number,
  ): PendingRecord<string, number, string> => ({
    side: 'left',
    key,
    timestampMs,
    value,
  });
  const right = (
    key: string,
    timestampMs: number,
    value: string,
  ): PendingRecord<string, number, string> => ({
    side: 'right',
    key,
    timestampMs,
    value,
  });
  const pending = (task: StoreTask): string[] =>
    [...of(task).pending()].map(
      ({ side, key, timestampMs, value }) => `${timestampMs} ${side} ${key}=${value}`,
    );

  test('records come by time, then side, right first, then key', async () => {
    await using task = await open();
    of(task).put(left('b', 5, 1));
    of(task).put(left('a', 5, 2));
    await task.commit();
    of(task).put(right('c', 5, 'three'));
    of(task).put(left('z', 4, 4));
    expect(pending(task)).toEqual(['4 left z=4', '5 right c=three', '5 left a=2', '5 left b=1']);
  });

  test('records of one key, time and side are all kept, and removed together', async () => {
    const task = await open();
    of(task).put(left('a', 5, 1));
    of(task).put(left('a', 5, 2));
    await task.commit();
    of(task).put(left('a', 5, 1));
    of(task).put(right('a', 5, 'one'));
    await task.commit();
    await using rebuilt = await task.rebuild();
    expect(pending(rebuilt)).toEqual(['5 right a=one', '5 left a=1', '5 left a=2', '5 left a=1']);
    of(rebuilt).remove('left', 'a', 5);
    expect(pending(rebuilt)).toEqual(['5 right a=one']);
  });

  test('what was yielded may be removed on the way', async () => {
    await using task = await open();
    for (let at = 0; at < 20; at++) of(task).put(left('a', at, at));
    await task.commit();
    for (const { side, key, timestampMs } of of(task).pending()) {
      if (timestampMs % 2 === 0) of(task).remove(side, key, timestampMs);
      if (timestampMs === 15) break;
    }
    await task.commit();
    expect(pending(task)).toHaveLength(12);
    expect(pending(task).slice(0, 2)).toEqual(['1 left a=1', '3 left a=3']);
  });

  test('to remove what is not there logs nothing', async () => {
    await using task = await open();
    of(task).put(left('a', 5, 1));
    of(task).remove('right', 'a', 5);
    of(task).remove('left', 'a', 6);
    of(task).remove('left', 'ab', 5);
    expect(task.changelog).toHaveLength(1);
    expect(pending(task)).toEqual(['5 left a=1']);
  });

  test('an abort and a record that is taken back leave what was there', async () => {
    await using task = await open();
    of(task).put(left('a', 5, 1));
    await task.commit();
    task.failing(() => {
      of(task).remove('left', 'a', 5);
      of(task).put(left('b', 1, 1));
    });
    expect(pending(task)).toEqual(['5 left a=1']);
    of(task).remove('left', 'a', 5);
    of(task).put(left('b', 1, 1));
    task.abort();
    expect(pending(task)).toEqual(['5 left a=1']);
    await task.commit();
    expect(pending(task)).toEqual(['5 left a=1']);
  });

  test('logs time, side and key, and a list of sides and values, as Kafka Streams', async () => {
    await using task = await open();
    task.timestampMs = 1234;
    of(task).put(left('k', 258, 7));
    of(task).put(left('k', 258, 8));
    of(task).remove('left', 'k', 258);
    const key = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2, 1, 107);
    expect(task.changelog).toEqual([
      { key, value: Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 55), timestampMs: 1234 },
      {
        key,
        value: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 55, 0, 0, 0, 2, 1, 56),
        timestampMs: 1234,
      },
      { key, value: null, timestampMs: 1234 },
    ]);
  });
}
