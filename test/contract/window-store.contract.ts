import type { Windowed } from '../../src/common/windowed.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { asWindowStore, committedWindowView } from '../../src/state/store-views.ts';
import { Stores, windowTableStoreBuilder } from '../../src/state/stores.ts';
import type { WindowStore } from '../../src/state/window-store.ts';
import type { StorageKind } from '../support/state-directories.ts';
import { collect, StoreTask } from '../support/store-task.ts';

export interface WindowStoreVariant {
  readonly storage: StorageKind;
  readonly cacheBytes: number;
  readonly objectsBytes: number;
  /** Packed pages instead of rows. */
  readonly paged?: boolean;
}

/** Slices of this retention are a minute wide. */
const RETENTION_MS = 100_000;

/** What every `WindowStore` promises, whatever is below it. */
export function windowStoreContract({
  storage,
  cacheBytes,
  objectsBytes,
  paged = false,
}: WindowStoreVariant): void {
  function open(): Promise<StoreTask> {
    const options = {
      name: 'store',
      key: serdes.string,
      value: serdes.json<number>(),
      windowSize: 10,
      retention: RETENTION_MS,
      persistent: storage === 'level',
      caching: cacheBytes > 0,
    };
    const builder = paged
      ? windowTableStoreBuilder({ ...options, ranges: true })
      : Stores.window(options);
    return StoreTask.open({ builder, storage, cacheBytes, objectsBytes });
  }

  const of = (task: StoreTask): WindowStore<string, number> => asWindowStore(task.store);
  const text = ([{ key, startMs }, value]: readonly [Windowed<string>, number]): string =>
    `${key}@${startMs}=${value}`;
  const rowsIn = async ({ storage: rows }: StoreTask): Promise<number> =>
    (await collect(rows.iterate({ from: Uint8Array.of(1), to: Uint8Array.of(2) }))).length;
  const all = async (task: StoreTask): Promise<string[]> =>
    (await collect(of(task).all())).map(text);

  test('finds a value by key and window start', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', 1, 0);
    store.put('a', 2, 10);
    store.put('b', 3, 10);
    await task.commit();
    store.put('a', 4, 10);
    expect([store.fetch('a', 0), store.fetch('a', 10), store.fetch('b', 10)]).toEqual([1, 4, 3]);
    expect([store.fetch('b', 0), store.fetch('c', 0), store.fetch('a', 5)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(store.fetch('a', -1)).toBeNull();
  });

  test('null deletes one window of a key', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', 1, 0);
    store.put('a', 2, 10);
    await task.commit();
    store.put('a', null, 0);
    expect(await all(task)).toEqual(['a@10=2']);
    await task.commit();
    expect(await all(task)).toEqual(['a@10=2']);
  });

  test('the windows of a key come oldest first, bounds included, without those of longer keys', async () => {
    await using task = await open();
    const store = of(task);
    const longer = `a${String.fromCharCode(0).repeat(7)}`; // its rows lie between those of a
    for (const startMs of [59_990, 60_000, 0, 10, 70_000]) store.put('a', startMs, startMs);
    store.put(longer, -1, 0);
    await task.commit();
    store.put('a', -10, 10);
    store.put('a', null, 60_000);
    store.put(longer, -1, 10);
    const range = { fromMs: 0, toMs: 70_000 };
    expect(await collect(store.fetchRange('a', range))).toEqual([
      [0, 0],
      [10, -10],
      [59_990, 59_990],
      [70_000, 70_000],
    ]);
    expect(await collect(store.fetchRange('a', { fromMs: 10, toMs: 59_990 }))).toEqual([
      [10, -10],
      [59_990, 59_990],
    ]);
    expect(await collect(store.fetchRange('a', { fromMs: 11, toMs: 10 }))).toEqual([]);
  });

  test('windows of all keys come slice by slice, and by key within one', async () => {
    await using task = await open();
    const store = of(task);
    store.put('b', 1, 0);
    store.put('a', 2, 10);
    store.put('a', 3, 60_000);
    await task.commit();
    store.put('c', 4, 0);
    expect(await all(task)).toEqual(['a@10=2', 'b@0=1', 'c@0=4', 'a@60000=3']);
    const early = await collect(store.fetchAll({ fromMs: 0, toMs: 9 }));
    expect(early.map(text)).toEqual(['b@0=1', 'c@0=4']);
    expect(early[0]?.[0].endMs).toBe(10);
  });

  test('a window expires when stream time passes it by the retention', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', 1, 0);
    store.put('a', 2, 1);
    store.put('b', 3, RETENTION_MS);
    expect(store.fetch('a', 0)).toBeNull();
    expect(store.fetch('a', 1)).toBe(2);
    expect(await all(task)).toEqual(['a@1=2', `b@${RETENTION_MS}=3`]);
    expect(await collect(store.fetchRange('a', { fromMs: 0, toMs: 9 }))).toEqual([[1, 2]]);
  });

  test('a write to an expired window is dropped, counted and not logged', async () => {
    await using task = await open();
    const store = of(task);
    store.put('b', 3, RETENTION_MS + 1);
    store.put('a', 1, 0);
    store.put('a', 2, 2);
    await task.commit();
    expect(task.expiredWindows).toBe(1);
    expect(task.changelog).toHaveLength(2);
  });

  test('what has expired leaves the storage, slice by slice', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', 1, 0);
    store.put('a', 1, 59_999);
    store.put('a', 1, 60_000);
    await task.commit();
    store.put('b', 1, 59_999 + RETENTION_MS);
    await task.commit();
    expect(await all(task)).toHaveLength(2);
    expect(await rowsIn(task)).toBe(paged ? 3 : 4);
    store.put('b', 1, 60_000 + RETENTION_MS);
    await task.commit();
    expect(await rowsIn(task)).toBe(paged ? 2 : 3);
  });

  test('no window comes back after a restart', async () => {
    const task = await open();
    of(task).put('a', 1, 0);
    of(task).put('b', 1, RETENTION_MS);
    of(task).put('b', null, RETENTION_MS);
    await task.commit();

    const crashed = await task.crash();
    expect(of(crashed).fetch('a', 0)).toBeNull();
    of(crashed).put('a', 2, 0);
    expect(of(crashed).fetch('a', 0)).toBeNull();

    await using rebuilt = await crashed.rebuild();
    expect(of(rebuilt).fetch('a', 0)).toBeNull();
    expect(await all(rebuilt)).toEqual([]);
    expect(await rowsIn(rebuilt)).toBe(paged ? 1 : 0); // a page leaves with its slice
  });

  test('an abort takes stream time back too', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', 1, 0);
    await task.commit();
    store.put('b', 1, 10 * RETENTION_MS);
    expect(store.fetch('a', 0)).toBeNull();
    task.abort();
    expect(store.fetch('a', 0)).toBe(1);
    await task.commit();
    expect(await all(task)).toEqual(['a@0=1']);
  });

  test('what the open transaction would expire is not deleted before it commits', async () => {
    await using task = await open();
    of(task).put('a', 1, 0);
    const write = await task.commitUpToWrite();
    of(task).put('b', 1, 10 * RETENTION_MS);
    await write();
    task.abort();
    expect(await all(task)).toEqual(['a@0=1']);
  });

  test('a record that is taken back takes stream time back', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', 1, 0);
    task.failing(() => {
      store.put('b', 1, 10 * RETENTION_MS);
    });
    expect(store.fetch('a', 0)).toBe(1);
    expect(await all(task)).toEqual(['a@0=1']);
  });

  test('a crash loses what was not committed and nothing else', async () => {
    const task = await open();
    of(task).put('a', 1, 0);
    await task.commit();
    of(task).put('a', 2, 0);
    of(task).put('a', 3, 10);
    await using crashed = await task.crash();
    expect(await all(crashed)).toEqual(['a@0=1']);
  });

  test('logs key, window start and a sequence of 0, as Kafka Streams', async () => {
    await using task = await open();
    task.timestampMs = 1234;
    of(task).put('key', 7, 258);
    await task.commit();
    expect(task.changelog).toEqual([
      {
        key: Uint8Array.from([107, 101, 121, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0]),
        value: Uint8Array.from([55]),
        timestampMs: 1234,
      },
    ]);
  });

  test('queries see what is committed', async () => {
    await using task = await open();
    const view = committedWindowView<string, number>(task.store);
    of(task).put('a', 1, 0);
    expect(view.fetch('a', 0)).toBeNull();
    await task.commit();
    of(task).put('a', 2, 0);
    of(task).put('b', 2, 10 * RETENTION_MS);
    expect(view.fetch('a', 0)).toBe(1);
    expect((await collect(view.all())).map(text)).toEqual(['a@0=1']);
    expect(await collect(view.fetchRange('a', { fromMs: 0, toMs: 10 }))).toEqual([[0, 1]]);
  });

  test('a scan gives every window once, also while the storage is still being given them', async () => {
    await using task = await open();
    const view = committedWindowView<string, number>(task.store);
    const count = 6000; // several pages of one key
    for (let at = 0; at < count; at++) of(task).put('a', at, at);
    const write = await task.commitUpToWrite();
    expect(await collect(view.all())).toHaveLength(count);
    of(task).put('a', -1, 0);
    expect(await collect(of(task).all())).toHaveLength(count);
    await write();
    expect(await collect(view.all())).toHaveLength(count);
  });

  test('a query that its task leaves behind is told so, also half-way', async () => {
    const task = await open();
    for (const key of ['a', 'b']) of(task).put(key, 1, 0);
    await task.commit();
    const view = committedWindowView<string, number>(task.store);
    const scan = view.all()[Symbol.asyncIterator]();
    await scan.next();
    task.store.close();
    const moved = { code: 'STREAMS_STORE_MIGRATED' };
    expect(() => view.fetch('a', 0)).toThrow('this store is closed');
    await expect(collect(view.all())).rejects.toMatchObject(moved);
    if (paged) await expect(scan.next()).rejects.toMatchObject(moved); // others have a snapshot
    await scan.return?.();
    await task[Symbol.asyncDispose]();
  });

  test.each([-1, 0.5, Number.NaN])('%d is no window start', async (startMs) => {
    await using task = await open();
    expect(() => {
      of(task).put('a', 1, startMs);
    }).toThrow('is no window start');
  });
}
