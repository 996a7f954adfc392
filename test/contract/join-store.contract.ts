import type { JoinStore } from '../../src/state/join-store.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { asJoinStore } from '../../src/state/store-views.ts';
import { joinStoreBuilder } from '../../src/state/stores.ts';
import type { StorageKind } from '../support/state-directories.ts';
import { collect, StoreTask } from '../support/store-task.ts';

export interface PagedVariant {
  readonly storage: StorageKind;
  readonly objectsBytes: number;
}

/** Slices of this retention are a minute wide. */
const RETENTION_MS = 100_000;

/** What every `JoinStore` promises, whatever is below it. */
export function joinStoreContract({ storage, objectsBytes }: PagedVariant): void {
  function open(): Promise<StoreTask> {
    const builder = joinStoreBuilder({
      name: 'store',
      key: serdes.string,
      value: serdes.json<unknown>(),
      windowSize: 10,
      retention: RETENTION_MS,
      persistent: storage === 'level',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }

  const of = (task: StoreTask): JoinStore<string, unknown> => asJoinStore(task.store);
  const rows = (task: StoreTask, key: string, fromMs = 0, toMs = 1e9): unknown[] =>
    of(task)
      .fetch(key, fromMs, toMs)
      .map(({ value, timestampMs }) => [timestampMs, value]);
  const stored = async (task: StoreTask): Promise<number> =>
    (await collect(task.storage.iterate({ from: Uint8Array.of(1), to: Uint8Array.of(2) }))).length;

  test('records of a key come by time, bounds included, whatever order they were put in', async () => {
    await using task = await open();
    for (const at of [30, 10, 59_999, 20, 60_000]) of(task).put('a', at, at);
    of(task).put('b', -1, 20);
    await task.commit();
    of(task).put('a', 25, 25);
    expect(rows(task, 'a', 20, 60_000).map((row) => (row as [number])[0])).toEqual([
      20, 25, 30, 59_999, 60_000,
    ]);
    expect(rows(task, 'a', 21, 24)).toEqual([]);
    expect(rows(task, 'c')).toEqual([]);
  });

  test('records of one time are all kept, in the order of their put', async () => {
    const task = await open();
    of(task).put('a', 'first', 5);
    of(task).put('a', 'second', 5);
    await task.commit();
    of(task).put('a', 'third', 5);
    await task.commit();
    const all = [
      [5, 'first'],
      [5, 'second'],
      [5, 'third'],
    ];
    expect(rows(task, 'a')).toEqual(all);
    const crashed = await task.crash();
    of(crashed).put('a', 'fourth', 5);
    await crashed.commit();
    await using rebuilt = await crashed.rebuild();
    expect(rows(rebuilt, 'a')).toEqual([...all, [5, 'fourth']]);
  });

  test('a null value changes nothing', async () => {
    await using task = await open();
    of(task).put('a', 1, 5);
    of(task).put('a', null, 5);
    expect(rows(task, 'a')).toEqual([[5, 1]]);
    expect(task.changelog).toHaveLength(1);
  });

  test('what a joiner does to a value does not reach the store', async () => {
    await using task = await open();
    of(task).put('a', { n: 1 }, 5);
    const value = of(task).fetch('a', 0, 10)[0]?.value as { n: number };
    value.n = 2;
    expect(rows(task, 'a')).toEqual([[5, { n: 1 }]]);
  });

  test('a record expires when stream time passes it by the retention, and a late one is counted', async () => {
    await using task = await open();
    of(task).put('a', 1, 0);
    of(task).put('a', 2, 1);
    of(task).put('b', 3, RETENTION_MS);
    expect(rows(task, 'a')).toEqual([[1, 2]]);
    of(task).put('a', 4, 0);
    expect(task.expiredWindows).toBe(1);
    expect(task.changelog).toHaveLength(3);
  });

  test('what has expired leaves the storage, slice by slice', async () => {
    await using task = await open();
    of(task).put('a', 1, 59_999);
    of(task).put('a', 2, 60_000);
    await task.commit();
    expect(await stored(task)).toBe(2);
    of(task).put('b', 3, 60_000 + RETENTION_MS);
    await task.commit();
    expect(await stored(task)).toBe(2);
    expect(rows(task, 'b')).toHaveLength(1);
  });

  test('a key with many records takes several pages, and all of them come back', async () => {
    const task = await open();
    const text = 'x'.repeat(1000);
    for (let at = 0; at < 500; at++) of(task).put('a', `${text}${at * 2}`, at * 2);
    await task.commit();
    expect(await stored(task)).toBeGreaterThan(7);
    for (let at = 0; at < 500; at++) of(task).put('a', `${text}${at * 2 + 1}`, at * 2 + 1);
    await task.commit();
    const times = (of_: StoreTask): unknown[] => rows(of_, 'a').map((row) => (row as [number])[0]);
    const expected = Array.from({ length: 1000 }, (_, at) => at);
    expect(times(task)).toEqual(expected);
    const crashed = await task.crash();
    expect(times(crashed)).toEqual(expected);
    await using rebuilt = await crashed.rebuild();
    expect(times(rebuilt)).toEqual(expected);
  });

  test('a record that is taken back, and had begun a new page, does not let the next one replace another', async () => {
    await using task = await open();
    const inPage = 64; // the next one has no room in the first page
    for (let n = 0; n < inPage; n++) of(task).put('a', [n, 'x'.repeat(990)], 5);
    task.failing(() => {
      of(task).put('a', [-1, 'x'.repeat(990)], 5);
    });
    of(task).put('a', [inPage], 5);
    const found = rows(task, 'a').map((row) => (row as [number, [number]])[1][0]);
    expect(found).toEqual(Array.from({ length: inPage + 1 }, (_, n) => n));
  });

  test('records that are taken back do not split the page that they were in', async () => {
    await using task = await open();
    for (let at = 0; at < 10; at++) of(task).put('a', at, at);
    for (let n = 0; n < 200; n++) {
      task.failing(() => {
        of(task).put('a', 'x'.repeat(1000), 10);
      });
    }
    for (let at = 10; at < 20; at++) of(task).put('a', at, at);
    await task.commit();
    expect(await stored(task)).toBe(1);
    expect(rows(task, 'a')).toHaveLength(20);
  });

  test('logs key, time and sequence, as Kafka Streams', async () => {
    await using task = await open();
    task.timestampMs = 1234;
    of(task).put('key', 7, 258);
    of(task).put('key', 7, 258);
    await task.commit();
    expect(task.changelog.map(({ key }) => [...key.subarray(3)])).toEqual([
      [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 2],
    ]);
    expect(task.changelog[0]).toMatchObject({ value: Uint8Array.of(55), timestampMs: 1234 });
  });
}
