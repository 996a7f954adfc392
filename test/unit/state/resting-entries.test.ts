import { serdes } from '../../../src/serde/serdes.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import { asKeyValueStore, asWindowStore } from '../../../src/state/store-views.ts';
import { Stores } from '../../../src/state/stores.ts';
import { StoreTask } from '../../support/store-task.ts';

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');

interface Keys {
  readonly name: string;
  readonly serde: Serde<unknown>;
  readonly keys: readonly unknown[];
}

const keysOf = <K>(name: string, serde: Serde<K>, keys: readonly K[]): Keys => ({
  name,
  serde,
  keys,
});

/** One of each way in which an entry is known: by the key itself, by what stands for it, by its bytes. */
const KEYS = [
  keysOf('text', serdes.string, ['ann', 'bøb', 'cat \ud800']),
  keysOf('bytes', serdes.bytes, [Uint8Array.of(), Uint8Array.of(0, 128, 255), new Uint8Array(99)]),
  keysOf('uuid', serdes.uuid, ['6f1a6bd8-6f6c-4d1c-8a51-0c4d8f4f3b11']),
  keysOf('json', serdes.json(), [{ a: 1 }, { a: 2 }]),
  keysOf('double', serdes.double, [0, -0, 1.5]),
];

describe('an entry that rests', () => {
  test.each(KEYS)(
    'reads and is logged as before, where its key is $name',
    async ({ serde: key, keys }) => {
      await using task = await StoreTask.open({
        builder: Stores.keyValue({ name: 'store', key, value: serdes.json<number[]>() }),
        storage: 'memory',
      });
      const store = asKeyValueStore<unknown, number[]>(task.store);
      keys.forEach((each, n) => {
        store.put(each, [n]);
      });
      await task.commit(); // all but the last rest from now on
      const before = task.changelog.map((record) => hex(record.key));

      expect(keys.map((each) => store.get(each))).toEqual(keys.map((_each, n) => [n]));
      keys.forEach((each, n) => {
        store.put(each, [n, n]);
      });
      expect(task.changelog.slice(keys.length).map((record) => hex(record.key))).toEqual(before);
      await task.commit();
      expect(keys.map((each) => store.get(each))).toEqual(keys.map((_each, n) => [n, n]));
    },
  );

  test.each(KEYS)('keeps its window, where its key is $name', async ({ serde: key, keys }) => {
    await using task = await StoreTask.open({
      builder: Stores.window({
        name: 'store',
        key,
        value: serdes.bytes,
        windowSize: 10,
        retention: 1000,
      }),
      storage: 'memory',
    });
    const store = asWindowStore<unknown, Uint8Array>(task.store);
    const write = (value: number): void => {
      for (const each of keys) {
        for (const startMs of [0, 10]) store.put(each, Uint8Array.of(value, startMs), startMs);
      }
    };
    write(1);
    await task.commit();
    const before = task.changelog.map((record) => hex(record.key));
    write(2);
    expect(task.changelog.slice(before.length).map((record) => hex(record.key))).toEqual(before);
    for (const each of keys) expect(store.fetch(each, 10)).toEqual(Uint8Array.of(2, 10));
  });

  test('that a failing record has touched first is read from the storage again', async () => {
    await using task = await StoreTask.open({
      builder: Stores.keyValue({ name: 'store', key: serdes.string, value: serdes.string }),
      storage: 'memory',
      objectsBytes: 10_000,
    });
    const store = asKeyValueStore<string, string>(task.store);
    store.put('a', 'committed');
    await task.commit();
    for (let n = 0; n < 100; n++) store.put(`other ${n}`, 'x');
    await task.commit(); // `a` has been dropped
    task.failing(() => {
      store.put('a', 'taken back');
    });
    store.get('other 1'); // another is used last
    expect(store.get('a')).toBe('committed');
  });
});
