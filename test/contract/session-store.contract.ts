import { Windowed } from '../../src/common/windowed.ts';
import { serdes } from '../../src/serde/serdes.ts';
import type { SessionStore } from '../../src/state/session-store.ts';
import type { SessionTableStore } from '../../src/state/session-table-store.ts';
import {
  asSessionStore,
  asSessionTableStore,
  committedSessionView,
} from '../../src/state/store-views.ts';
import { Stores } from '../../src/state/stores.ts';
import { collect, StoreTask } from '../support/store-task.ts';
import type { WindowStoreVariant } from './window-store.contract.ts';

/** Slices of this retention are a minute wide. */
const RETENTION_MS = 100_000;

/** What every session store promises, whatever is below it. */
export function sessionStoreContract(variant: WindowStoreVariant): void {
  const { storage, cacheBytes, objectsBytes } = variant;
  function open(): Promise<StoreTask> {
    const builder = Stores.session({
      name: 'store',
      key: serdes.string,
      value: serdes.json<number>(),
      retention: RETENTION_MS,
      persistent: storage === 'level',
      caching: cacheBytes > 0,
    });
    return StoreTask.open({ builder, storage, cacheBytes, objectsBytes });
  }

  const of = (task: StoreTask): SessionStore<string, number> => asSessionStore(task.store);
  const tableOf = (task: StoreTask): SessionTableStore<string, number> =>
    asSessionTableStore(task.store);
  const session = (key: string, startMs: number, endMs: number): Windowed<string> =>
    new Windowed(key, startMs, endMs);
  const text = ([{ key, startMs, endMs }, value]: readonly [Windowed<string>, number]): string =>
    `${key}@${startMs}-${endMs}=${value}`;
  const all = async (task: StoreTask, key: string): Promise<string[]> =>
    (await collect(of(task).fetch(key))).map(text);

  test('sessions of a key come by end, then start', async () => {
    await using task = await open();
    of(task).put(session('a', 5, 70_000), 1);
    of(task).put(session('a', 20, 30), 2);
    await task.commit();
    of(task).put(session('a', 10, 30), 3);
    of(task).put(session('b', 10, 30), 4);
    expect(await all(task, 'a')).toEqual(['a@10-30=3', 'a@20-30=2', 'a@5-70000=1']);
    expect(of(task).fetchSession('a', 20, 30)).toBe(2);
    expect(of(task).fetchSession('a', 20, 31)).toBeNull();
  });

  test('finds sessions that overlap a time, bounds included', async () => {
    await using task = await open();
    for (const [start, end] of [
      [0, 10],
      [20, 30],
      [40, 50],
    ] as const) {
      of(task).put(session('a', start, end), start);
    }
    await task.commit();
    const found = (earliestEndMs: number, latestStartMs: number): number[] =>
      tableOf(task)
        .findSessions('a', earliestEndMs, latestStartMs)
        .map(({ startMs }) => startMs);
    expect(found(10, 40)).toEqual([0, 20, 40]);
    expect(found(11, 39)).toEqual([20]);
    expect(found(31, 39)).toEqual([]);
    const sessions = await collect(of(task).findSessions('a', 11, 39));
    expect(sessions.map(text)).toEqual(['a@20-30=20']);
  });

  test('null and remove delete a session', async () => {
    await using task = await open();
    of(task).put(session('a', 0, 1), 1);
    of(task).put(session('a', 0, 2), 2);
    await task.commit();
    of(task).put(session('a', 0, 1), null);
    of(task).remove(session('a', 0, 2));
    expect(await all(task, 'a')).toEqual([]);
    await task.commit();
    expect(await all(task, 'a')).toEqual([]);
  });

  test('a session expires when stream time passes its end by the retention', async () => {
    const task = await open();
    of(task).put(session('a', 0, 0), 1);
    of(task).put(session('a', 0, 2), 2);
    of(task).put(session('b', 0, RETENTION_MS + 1), 3);
    expect(await all(task, 'a')).toEqual(['a@0-2=2']);
    of(task).put(session('a', 0, 0), 4);
    expect(task.expiredWindows).toBe(1);
    await task.commit();
    await using crashed = await task.crash();
    expect(await all(crashed, 'a')).toEqual(['a@0-2=2']);
    expect(tableOf(crashed).get('a', 0, 0)).toBeNull();
  });

  test('a session that has expired this moment can be written, though it cannot be read any more', async () => {
    await using task = await open();
    of(task).put(session('b', RETENTION_MS, RETENTION_MS), 1);
    of(task).put(session('a', 0, 0), 2);
    expect(task.expiredWindows).toBe(0);
    expect(await all(task, 'a')).toEqual([]);
  });

  test('logs key, end and start with the time of the record, as Kafka Streams', async () => {
    await using task = await open();
    task.timestampMs = 1234;
    of(task).put(session('key', 258, 772), 7);
    await task.commit();
    expect(task.changelog).toEqual([
      {
        key: Uint8Array.of(107, 101, 121, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 1, 2),
        value: Uint8Array.of(55),
        timestampMs: 1234,
      },
    ]);
  });

  test('an update is forwarded with the end of its session as its time', async () => {
    await using task = await open();
    const forwarded: unknown[] = [];
    tableOf(task).listen(
      (key, startMs, endMs, newValue, oldValue, timestampMs) => {
        forwarded.push([key, startMs, endMs, newValue, oldValue, timestampMs]);
      },
      { sendOldValues: true },
    );
    task.timestampMs = 7;
    tableOf(task).update('a', 1, 5, 1, 5, []);
    await task.commit();
    tableOf(task).update('a', 1, 5, null, 5, []);
    await task.commit();
    expect(forwarded).toEqual([
      ['a', 1, 5, 1, null, 5],
      ['a', 1, 5, null, 1, 5],
    ]);
  });

  test('queries see what is committed', async () => {
    await using task = await open();
    const view = committedSessionView<string, number>(task.store);
    of(task).put(session('a', 0, 1), 1);
    expect(view.fetchSession('a', 0, 1)).toBeNull();
    await task.commit();
    of(task).put(session('a', 0, 1), 2);
    of(task).put(session('a', 0, 10 * RETENTION_MS), 2);
    expect(view.fetchSession('a', 0, 1)).toBe(1);
    expect((await collect(view.fetch('a'))).map(text)).toEqual(['a@0-1=1']);
  });

  test.each([
    [-1, 5],
    [5, 4],
    [0.5, 1],
    [0, Number.NaN],
  ])('[%d, %d] are no bounds of a session', async (startMs, endMs) => {
    await using task = await open();
    expect(() => {
      of(task).put(session('a', startMs, endMs), 1);
    }).toThrow('are no bounds of a session');
  });
}
