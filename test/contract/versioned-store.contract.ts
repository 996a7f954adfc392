import { serdes } from '../../src/serde/serdes.ts';
import { asVersionedKeyValueStore } from '../../src/state/store-views.ts';
import { Stores } from '../../src/state/stores.ts';
import type { VersionedKeyValueStore } from '../../src/state/versioned-key-value-store.ts';
import { StoreTask } from '../support/store-task.ts';
import type { PagedVariant } from './join-store.contract.ts';

/** What every `VersionedKeyValueStore` promises, whatever is below it. */
export function versionedStoreContract({ storage, objectsBytes }: PagedVariant): void {
  function open(): Promise<StoreTask> {
    const builder = Stores.versionedKeyValue({
      name: 'store',
      key: serdes.string,
      value: serdes.string,
      historyRetention: 100,
      persistent: storage === 'level',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }
  const of = (task: StoreTask): VersionedKeyValueStore<string, string> =>
    asVersionedKeyValueStore(task.store);
  const asOf = (task: StoreTask, ...times: number[]): (string | null)[] =>
    times.map((ms) => of(task).getAsOf('a', ms)?.value ?? null);

  test('finds the version that was valid at a time', async () => {
    const task = await open();
    expect(of(task).put('a', 'one', 10)).toBe('latest');
    expect(of(task).put('a', 'three', 30)).toBe('latest');
    expect(of(task).put('a', 'two', 20)).toBe(30);
    await task.commit();
    await using crashed = await task.crash();
    expect(asOf(crashed, 9, 10, 19, 20, 29, 30, 99)).toEqual([
      ...[null, 'one', 'one', 'two', 'two', 'three', 'three'],
    ]);
    expect(of(crashed).getAsOf('a', 20)).toEqual({
      value: 'two',
      timestampMs: 20,
      validToMs: 30,
    });
    expect(of(crashed).get('a')).toEqual({ value: 'three', timestampMs: 30, validToMs: null });
    expect(of(crashed).get('b')).toBeNull();
  });

  test('a deletion is a version: nothing was there from then on', async () => {
    const task = await open();
    of(task).put('a', 'one', 10);
    of(task).put('a', 'three', 30);
    expect(of(task).delete('a', 20)).toMatchObject({ value: 'one', timestampMs: 10 });
    expect(asOf(task, 19, 20, 29, 30)).toEqual(['one', null, null, 'three']);
    expect(of(task).put('a', null, 40)).toBe('latest');
    expect(of(task).get('a')).toBeNull();
    await task.commit();
    await using rebuilt = await task.rebuild();
    expect(asOf(rebuilt, 19, 20, 30, 40)).toEqual(['one', null, 'three', null]);
    expect(of(rebuilt).put('a', 'late', 35)).toBe(40);
  });

  test('a put of the same time replaces the version', async () => {
    await using task = await open();
    of(task).put('a', 'one', 10);
    of(task).put('a', 'uno', 10);
    expect(asOf(task, 10)).toEqual(['uno']);
  });

  test('a write older than the history retention is rejected, counted and not logged', async () => {
    const task = await open();
    of(task).put('b', 'x', 110);
    expect(of(task).put('a', 'on the edge', 10)).toBe('latest');
    expect(of(task).put('a', 'late', 9)).toBe('rejected');
    expect(of(task).delete('a', 9)).toBeNull();
    expect(task.expiredWindows).toBe(2);
    expect(task.changelog).toHaveLength(2);
    await task.commit();
    await using crashed = await task.crash();
    expect(of(crashed).put('a', 'late', 9)).toBe('rejected');
  });

  test('history older than the retention cannot be read, but the latest version never expires', async () => {
    await using task = await open();
    of(task).put('a', 'one', 10);
    of(task).put('a', 'two', 20);
    of(task).put('b', 'x', 500);
    expect(asOf(task, 15, 25)).toEqual([null, 'two']);
    expect(of(task).get('a')).toMatchObject({ value: 'two' });
    of(task).put('a', 'three', 450);
    expect(asOf(task, 25, 400, 449, 450)).toEqual([null, 'two', 'two', 'three']);
  });

  test('an abort takes versions and stream time back', async () => {
    await using task = await open();
    of(task).put('a', 'one', 10);
    await task.commit();
    of(task).put('a', 'two', 1000);
    task.abort();
    expect(asOf(task, 10, 1000)).toEqual(['one', 'one']);
    expect(of(task).put('a', 'two', 5)).toBe(10);
  });

  test('logs the plain key with the time of the version, as Kafka Streams', async () => {
    await using task = await open();
    of(task).put('a', 'x', 10);
    of(task).delete('a', 20);
    expect(task.changelog).toEqual([
      { key: Uint8Array.of(97), value: Uint8Array.of(120), timestampMs: 10 },
      { key: Uint8Array.of(97), value: null, timestampMs: 20 },
    ]);
  });
}
