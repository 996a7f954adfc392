import { serdes } from '../../../src/serde/serdes.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import { asKeyValueStore, asTableStore } from '../../../src/state/store-views.ts';
import { tableStoreBuilder } from '../../../src/state/stores.ts';
import type { TableStore } from '../../../src/state/table-store.ts';
import { StoreTask, type LogRecord } from '../../support/store-task.ts';
import type { StorageKind } from '../../support/state-directories.ts';

interface Tally {
  n: number;
}

interface TableOptions<V> {
  readonly value: Serde<V>;
  /** Left out: the store does not cache. */
  readonly cacheBytes?: number;
  readonly storage?: StorageKind;
  readonly objectsBytes?: number;
  readonly silent?: boolean;
}

/** A table of JSON or other values, with what it forwards written as `key:new<old@time`. */
async function openTable<V>({
  value,
  cacheBytes,
  storage = 'memory',
  objectsBytes = 1_048_576,
  silent = false,
}: TableOptions<V>) {
  const builder = tableStoreBuilder({
    name: 'table',
    key: serdes.string,
    value,
    persistent: storage === 'level',
    caching: cacheBytes !== undefined,
  });
  const task = await StoreTask.open({
    builder,
    storage,
    cacheBytes: cacheBytes ?? 0,
    objectsBytes,
  });
  const table: TableStore<string, V> = asTableStore(task.store);
  const forwarded: string[] = [];
  if (!silent) {
    table.listen(
      (key, newValue, oldValue, timestampMs) => {
        forwarded.push(
          `${key}:${JSON.stringify(newValue)}<${JSON.stringify(oldValue)}@${timestampMs}`,
        );
      },
      { sendOldValues: true },
    );
  }
  const update = (key: string, newValue: V | null, timestampMs = 1): void => {
    task.timestampMs = timestampMs;
    table.update(key, newValue, timestampMs, []);
  };
  return {
    task,
    table,
    forwarded,
    update,
    [Symbol.asyncDispose]: () => task[Symbol.asyncDispose](),
  };
}

const openTallies = (options: Omit<TableOptions<Tally>, 'value'> = {}) =>
  openTable({ ...options, value: serdes.json<Tally>() });
const openCounts = (options: Omit<TableOptions<number>, 'value'> = {}) =>
  openTable({ ...options, value: serdes.long });

const logged = ({ key, value, timestampMs }: LogRecord): string =>
  `${Buffer.from(key).toString()}=${value === null ? 'null' : Buffer.from(value).toString()}@${timestampMs}`;

describe('a table store that does not cache', () => {
  test('forwards each update at once, with what was there before', async () => {
    await using opened = await openCounts();
    opened.update('a', 1, 10);
    opened.update('a', 2, 20);
    opened.update('a', null, 30);
    opened.update('a', null, 40);
    expect(opened.forwarded).toEqual(['a:1<null@10', 'a:2<1@20', 'a:null<2@30', 'a:null<null@40']);
  });

  test('reads no old value where nobody asked for it', async () => {
    await using opened = await openCounts({ silent: true });
    const old: (number | null)[] = [];
    const listener = (_: string, __: number | null, oldValue: number | null): number =>
      old.push(oldValue);
    opened.table.listen(listener, { sendOldValues: false });
    opened.update('a', 1);
    opened.update('a', 2);
    expect(old).toEqual([null, null]);
  });

  test('logs the plain value with the time of the row, and a deletion with that of the record', async () => {
    await using opened = await openTallies();
    opened.task.timestampMs = 99;
    opened.table.update('a', { n: 1 }, 10, []);
    opened.table.update('a', null, 10, []);
    expect(opened.task.changelog.map(logged)).toEqual(['a={"n":1}@10', 'a=null@99']);
  });

  test.each(['memory', 'level'] as const)('keeps the timestamp of a row (%s)', async (storage) => {
    const opened = await openTallies({ storage });
    opened.update('a', { n: 1 }, 1234567890123);
    await opened.task.commit();
    const crashed = await opened.task.crash();
    expect(asTableStore(crashed.store).get('a')).toEqual({
      value: { n: 1 },
      timestampMs: 1234567890123,
    });
    await using rebuilt = await crashed.rebuild();
    expect(asTableStore(rebuilt.store).get('a')).toEqual({
      value: { n: 1 },
      timestampMs: 1234567890123,
    });
  });

  test('is a key-value store of plain values to others', async () => {
    await using opened = await openCounts();
    opened.update('a', 1);
    const view = asKeyValueStore<string, number>(opened.task.store);
    expect(view.get('a')).toBe(1);
    opened.task.timestampMs = 50;
    view.put('a', 7);
    expect(opened.table.get('a')).toEqual({ value: 7, timestampMs: 50 });
    expect(opened.forwarded).toEqual(['a:1<null@1']);
  });
});

describe.each([
  ['uncached', {}],
  ['cached', { cacheBytes: 100_000 }],
])('the object of a row in place, %s', (_, caching) => {
  test('an aggregator may change the own object and return it', async () => {
    await using opened = await openTallies(caching);
    for (let n = 1; n <= 3; n++) {
      const own = opened.table.getOwn('a')?.value ?? { n: 0 };
      own.n++;
      opened.update('a', own, n);
      if (n === 2) await opened.task.commit();
    }
    await opened.task.commit();
    const cached = 'cacheBytes' in caching;
    expect(opened.forwarded).toEqual(
      cached
        ? ['a:{"n":2}<null@2', 'a:{"n":3}<{"n":2}@3']
        : ['a:{"n":1}<null@1', 'a:{"n":2}<{"n":1}@2', 'a:{"n":3}<{"n":2}@3'],
    );
  });

  test('what was forwarded may be changed without changing the store', async () => {
    await using opened = await openTallies({ ...caching, silent: true });
    opened.table.listen(
      (_key, newValue) => {
        if (newValue !== null) newValue.n = -1;
      },
      { sendOldValues: false },
    );
    opened.update('a', { n: 1 });
    await opened.task.commit();
    expect(opened.table.get('a')?.value).toEqual({ n: 1 });
  });

  test('a value that others see may be changed by them', async () => {
    await using opened = await openTallies(caching);
    const shared = { n: 1 };
    opened.table.updateShared('a', shared, 1, []);
    shared.n = -1;
    await opened.task.commit();
    expect(opened.table.get('a')?.value).toEqual({ n: 1 });
  });

  test('what get returned may be changed without changing the store', async () => {
    await using opened = await openTallies(caching);
    opened.update('a', { n: 1 });
    const read = opened.table.get('a')?.value;
    if (read !== undefined) read.n = -1;
    expect(opened.table.getOwn('a')?.value).toEqual({ n: 1 });
  });

  test('an object that a throwing aggregator left half changed is disowned', async () => {
    await using opened = await openTallies(caching);
    opened.update('a', { n: 1 });
    opened.task.failing(() => {
      const own = opened.table.getOwn('a')?.value ?? { n: 0 };
      own.n = -1;
      opened.table.disown('a');
    });
    expect(opened.table.get('a')?.value).toEqual({ n: 1 });
  });

  test('a record that is taken back takes its change of the object back', async () => {
    await using opened = await openTallies(caching);
    opened.update('a', { n: 1 });
    opened.task.failing(() => {
      for (let times = 0; times < 2; times++) {
        const own = opened.table.getOwn('a')?.value ?? { n: 0 };
        own.n = -1;
        opened.update('a', own);
      }
    });
    expect(opened.table.getOwn('a')?.value).toEqual({ n: 1 });
    await opened.task.commit();
    expect(opened.task.changelog.map(logged)).toEqual(['a={"n":1}@1']);
  });

  test('a value that cannot be serialized leaves the row as it was', async () => {
    await using opened = await openTallies(caching);
    opened.update('a', { n: 1 });
    opened.task.flush();
    opened.task.failing(() => {
      const own = opened.table.getOwn('a')?.value ?? { n: 0 };
      own.n = Number.NaN;
      expect(() => {
        opened.update('a', own);
        opened.task.store.flush();
      }).toThrow('NaN');
    });
    expect(opened.table.get('a')?.value).toEqual({ n: 1 });
  });
});

describe('a table store that caches', () => {
  test('forwards one change for each key at the commit, in order of the last write', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000 });
    opened.update('a', 1, 1);
    opened.update('b', 1, 2);
    opened.update('a', 2, 3);
    expect(opened.forwarded).toEqual([]);
    expect(opened.table.get('a')).toEqual({ value: 2, timestampMs: 3 });
    await opened.task.commit();
    opened.update('a', 3, 4);
    opened.update('a', 4, 5);
    await opened.task.commit();
    expect(opened.forwarded).toEqual(['b:1<null@2', 'a:2<null@3', 'a:4<2@5']);
    expect(opened.task.changelog).toHaveLength(3);
  });

  test('forwards and logs no deletion of a row that was not there', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000 });
    opened.update('a', null);
    await opened.task.commit();
    opened.update('b', 1);
    opened.task.flush();
    opened.update('b', null);
    await opened.task.commit();
    expect(opened.forwarded).toEqual(['b:1<null@1', 'b:null<1@1']);
    expect(opened.task.changelog).toHaveLength(2);
  });

  test('a row that came and went between commits leaves no trace', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000 });
    opened.update('a', 1);
    opened.update('a', null);
    await opened.task.commit();
    expect(opened.forwarded).toEqual([]);
    expect(opened.task.changelog).toEqual([]);
  });

  test('a deletion is forwarded with the time of the record that caused it', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000 });
    opened.update('a', 1, 50);
    await opened.task.commit();
    opened.task.timestampMs = 20;
    opened.table.update('a', null, 50, []);
    await opened.task.commit();
    expect(opened.forwarded).toEqual(['a:1<null@50', 'a:null<1@20']);
  });

  test('with a cache of 0 bytes it is as if it did not cache', async () => {
    await using opened = await openCounts({ cacheBytes: 0 });
    opened.update('a', 1);
    opened.update('a', 2);
    opened.update('b', null);
    expect(opened.forwarded).toEqual(['a:1<null@1', 'a:2<1@1', 'b:null<null@1']);
  });

  test('over its limit it lets go of all that the store holds back', async () => {
    await using opened = await openCounts({ cacheBytes: 350 });
    opened.update('a', 1);
    opened.update('b', 1);
    opened.update('a', 2);
    expect(opened.forwarded).toEqual([]);
    opened.update('c', 1);
    opened.update('d', 1);
    expect(opened.forwarded).toEqual(['b:1<null@1', 'a:2<null@1', 'c:1<null@1', 'd:1<null@1']);
    expect(opened.task.recordCache.usedBytes).toBe(0);
  });

  test('counts objects that are not serialized yet by their last length', async () => {
    interface Text {
      readonly text: string;
    }
    await using opened = await openTable({ value: serdes.json<Text>(), cacheBytes: 2_500 });
    opened.update('a', { text: 'x'.repeat(1_000) });
    await opened.task.commit();
    opened.update('a', { text: 'y'.repeat(1_000) });
    opened.update('b', { text: 'z'.repeat(1_000) });
    expect(opened.forwarded).toHaveLength(1);
    opened.update('c', { text: 'z'.repeat(1_000) });
    expect(opened.forwarded).toHaveLength(4);
  });

  test('what the listener writes to the same store is not lost', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000, silent: true });
    const seen: string[] = [];
    opened.table.listen(
      (key, newValue) => {
        seen.push(`${key}:${newValue}`);
        if (newValue !== null && newValue < 3) opened.update(key, newValue + 1);
      },
      { sendOldValues: true },
    );
    opened.update('a', 1);
    opened.update('b', 3);
    opened.task.store.flush();
    expect(opened.task.store.unflushed).toBe(true);
    await opened.task.commit();
    expect(seen).toEqual(['a:1', 'b:3', 'a:2', 'a:3']);
    expect(opened.table.get('a')?.value).toBe(3);
  });

  test('a listener is not called while it runs, however full the cache is', async () => {
    await using opened = await openCounts({ cacheBytes: 200, silent: true });
    let depth = 0;
    let deepest = 0;
    opened.table.listen(
      (key, newValue) => {
        deepest = Math.max(deepest, ++depth);
        if (newValue !== null && newValue < 5) {
          opened.update(`${key} and`, newValue + 1);
          opened.update(`${key} or`, newValue + 1);
        }
        depth--;
      },
      { sendOldValues: true },
    );
    opened.update('a', 1);
    opened.update('b', 1);
    await opened.task.commit();
    expect(deepest).toBe(1);
    expect(opened.table.get('a and or and or')?.value).toBe(5);
  });

  test('is not sealed while it holds writes back', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000 });
    opened.update('a', 1);
    expect(() => opened.task.store.seal()).toThrow('flushed before it is sealed');
  });

  test('an abort empties it', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000 });
    opened.update('a', 1);
    await opened.task.commit();
    opened.update('a', 2);
    opened.update('b', 1);
    opened.task.abort();
    expect(opened.task.recordCache.usedBytes).toBe(0);
    expect(opened.table.get('a')?.value).toBe(1);
    await opened.task.commit();
    expect(opened.forwarded).toEqual(['a:1<null@1']);
  });

  test('a record that is taken back puts held writes back, in their order', async () => {
    await using opened = await openCounts({ cacheBytes: 350 });
    opened.update('a', 1);
    opened.update('b', 1);
    const used = opened.task.recordCache.usedBytes;
    opened.task.failing(() => {
      opened.update('a', 5);
      opened.update('c', 5);
      opened.update('d', 5); // lets go of everything
      opened.update('b', 6);
    });
    expect(opened.task.recordCache.usedBytes).toBe(used);
    expect(opened.table.get('c')).toBeNull();
    opened.forwarded.length = 0;
    await opened.task.commit();
    expect(opened.forwarded).toEqual(['a:1<null@1', 'b:1<null@1']);
    expect(opened.task.changelog).toHaveLength(2);
  });

  test('a processor that writes through it batches the writes to the changelog', async () => {
    await using opened = await openCounts({ cacheBytes: 100_000, silent: true });
    const view = asKeyValueStore<string, number>(opened.task.store);
    view.put('a', 1);
    view.put('a', 2);
    view.put('never there', null);
    await opened.task.commit();
    const written = opened.task.changelog.map(
      ({ value }) =>
        value && serdes.long.deserialize(value, { topic: '', isKey: false, headers: [] }),
    );
    expect(written).toEqual([2, null]);
  });
});

describe('the object budget', () => {
  test('what is committed gives way, and is read from the storage again', async () => {
    await using opened = await openCounts({ storage: 'level', objectsBytes: 2_000 });
    for (let n = 0; n < 100; n++) opened.update(`key ${n}`, n);
    expect(opened.task.objects.usedBytes).toBe(0);
    expect(opened.task.store.uncommittedBytes).toBeGreaterThan(10_000);
    await opened.task.commit();
    expect(opened.task.store.uncommittedBytes).toBe(0);
    expect(opened.task.objects.usedBytes).toBeLessThanOrEqual(2_000);
    for (let n = 0; n < 100; n++) expect(opened.table.get(`key ${n}`)?.value).toBe(n);
    expect(opened.task.objects.usedBytes).toBeLessThanOrEqual(2_000);
  });

  test('an entry that is used survives one that is not', async () => {
    await using opened = await openCounts({ storage: 'level', objectsBytes: 1_000 });
    const reads: string[] = [];
    const { storage } = opened.task;
    const get = storage.get.bind(storage);
    storage.get = (key) => {
      reads.push(Buffer.from(key).toString('latin1').slice(3));
      return get(key);
    };
    opened.update('hot', 1);
    await opened.task.commit();
    for (let n = 0; n < 50; n++) {
      opened.table.get('hot');
      opened.table.get(`cold ${n}`);
    }
    expect(reads.filter((key) => key === 'hot').length).toBeLessThanOrEqual(1);
    expect(reads.length).toBeGreaterThanOrEqual(50);
  });

  test('an entry that a failing record touched and dropped does not come back beside its successor', async () => {
    await using opened = await openTallies({ objectsBytes: 250 });
    opened.update('x', { n: 1 });
    await opened.task.commit();
    opened.task.failing(() => {
      opened.table.getOwn('x');
      opened.table.get('y');
      opened.table.get('z');
      opened.update('x', { n: 5 });
    });
    opened.update('x', { n: 9 });
    opened.table.get('y');
    expect(opened.table.get('x')?.value).toEqual({ n: 9 });
  });

  test('a closed store gives everything back', async () => {
    const opened = await openCounts({ cacheBytes: 10_000 });
    opened.update('a', 1);
    await opened.task.commit();
    opened.update('b', 1);
    await opened[Symbol.asyncDispose]();
    expect(opened.task.objects.usedBytes).toBe(0);
    expect(opened.task.recordCache.usedBytes).toBe(0);
  });
});
