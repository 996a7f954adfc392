import type { KeyValueStore } from '../../src/state/key-value-store.ts';
import { asKeyValueStore } from '../../src/state/store-views.ts';
import { Stores } from '../../src/state/stores.ts';
import type { Serde } from '../../src/serde/serde.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { collect, StoreTask, type LogRecord } from '../support/store-task.ts';
import type { StorageKind } from '../support/state-directories.ts';

export interface KeyValueStoreVariant<V> {
  readonly storage: StorageKind;
  readonly cacheBytes: number;
  readonly objectsBytes: number;
  readonly value: Serde<V>;
  /** A value made from a number, always the same. */
  readonly make: (number: number) => V;
}

/** What every `KeyValueStore` promises, whatever is below it. */
export function keyValueStoreContract<V>(variant: KeyValueStoreVariant<V>): void {
  const { storage, cacheBytes, objectsBytes, value, make } = variant;
  const [ONE, TWO, THREE] = [make(1), make(2), make(3)];

  function open(): Promise<StoreTask> {
    const builder = Stores.keyValue({
      name: 'store',
      key: serdes.string,
      value,
      persistent: storage === 'level',
      caching: cacheBytes > 0,
    });
    return StoreTask.open({ builder, storage, cacheBytes, objectsBytes });
  }

  const of = (task: StoreTask): KeyValueStore<string, V> => asKeyValueStore(task.store);
  const text = ({ key, value: bytes }: LogRecord): string =>
    `${Buffer.from(key).toString()}=${bytes === null ? 'null' : Buffer.from(bytes).toString()}`;

  test('reads its own writes, before and after the commit', async () => {
    await using task = await open();
    const store = of(task);
    expect(store.get('a')).toBeNull();
    store.put('a', ONE);
    expect(store.get('a')).toEqual(ONE);
    await task.commit();
    expect(store.get('a')).toEqual(ONE);
    store.put('a', TWO);
    expect(store.get('a')).toEqual(TWO);
  });

  test('null deletes, and delete returns what was there', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', ONE);
    await task.commit();
    expect(store.delete('a')).toEqual(ONE);
    expect(store.get('a')).toBeNull();
    expect(store.delete('a')).toBeNull();
    await task.commit();
    expect(store.get('a')).toBeNull();
  });

  test('putIfAbsent writes only where there is nothing', async () => {
    await using task = await open();
    const store = of(task);
    expect(store.putIfAbsent('a', ONE)).toBeNull();
    expect(store.putIfAbsent('a', TWO)).toEqual(ONE);
    expect(store.get('a')).toEqual(ONE);
  });

  test('a null key is an error that says so', async () => {
    await using task = await open();
    const store = of(task);
    const nothing = null as unknown as string; // what a caller without types can do
    expect(() => store.get(nothing)).toThrow('a store has no null key');
    expect(() => {
      store.put(nothing, ONE);
    }).toThrow('a store has no null key');
  });

  test('ranges come in order of key bytes and merge what is committed, sealed and open', async () => {
    await using task = await open();
    const store = of(task);
    for (const key of ['b', 'd', 'é', 'f']) store.put(key, ONE);
    await task.commit();
    store.put('c', TWO);
    store.put('d', TWO);
    const write = await task.commitUpToWrite();
    store.put('a', THREE);
    store.put('c', THREE);
    store.put('b', null);

    const all = [
      ['a', THREE],
      ['c', THREE],
      ['d', TWO],
      ['f', ONE],
      ['é', ONE],
    ];
    expect(await collect(store.all())).toEqual(all);
    await write();
    expect(await collect(store.all())).toEqual(all);
    expect(await collect(store.reverseRange())).toEqual([...all].reverse());
    expect(await collect(store.range({ from: 'c', to: 'd' }))).toEqual(all.slice(1, 3));
    expect(await collect(store.reverseRange({ from: 'b', to: 'd' }))).toEqual([all[2], all[1]]);
    expect(await collect(store.range({ from: 'e' }))).toEqual(all.slice(3));
    expect(await collect(store.range({ from: 'd', to: 'c' }))).toEqual([]);
    expect(await collect(store.prefixScan(Buffer.from('é').subarray(0, 1)))).toEqual([all[4]]);
  });

  test('a range shows the writes as of its first read', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', ONE);
    await task.commit();
    store.put('b', ONE);
    const range = store.all()[Symbol.asyncIterator]();
    store.put('c', ONE);
    expect((await range.next()).value).toEqual(['a', ONE]);
    store.put('b', TWO);
    store.put('d', TWO);
    await task.commit();
    expect((await range.next()).value).toEqual(['b', ONE]);
    expect((await range.next()).value).toEqual(['c', ONE]);
    expect((await range.next()).done).toBe(true);
  });

  test('a range that is left early lets the task close', async () => {
    await using task = await open();
    const store = of(task);
    for (const key of ['a', 'b', 'c']) store.put(key, ONE);
    await task.commit();
    for await (const [key] of store.all()) {
      expect(key).toBe('a');
      break;
    }
  });

  test('a crash loses what was not committed and nothing else', async () => {
    const task = await open();
    of(task).put('a', ONE);
    of(task).put('b', ONE);
    await task.commit();
    of(task).put('a', TWO);
    of(task).put('b', null);

    await using recovered = await task.crash();
    expect(of(recovered).get('a')).toEqual(ONE);
    expect(of(recovered).get('b')).toEqual(ONE);
  });

  test('a crash between the commit in Kafka and the write to disk loses nothing', async () => {
    const task = await open();
    of(task).put('a', ONE);
    await task.commitUpToWrite();

    await using recovered = await task.crash();
    expect(of(recovered).get('a')).toEqual(ONE);
  });

  test('the changelog alone brings everything back', async () => {
    const task = await open();
    of(task).put('a', ONE);
    of(task).put('b', ONE);
    await task.commit();
    of(task).put('b', null);
    of(task).put('c', THREE);
    await task.commit();

    await using rebuilt = await task.rebuild();
    expect(await collect(of(rebuilt).all())).toEqual([
      ['a', ONE],
      ['c', THREE],
    ]);
  });

  test('an abort takes back what was written since the commit', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', ONE);
    await task.commit();
    store.put('a', TWO);
    store.put('b', TWO);
    task.abort();
    expect(await collect(store.all())).toEqual([['a', ONE]]);
    expect(store.get('a')).toEqual(ONE);
    expect(store.get('b')).toBeNull();
    expect(task.store.uncommittedBytes).toBe(0);
  });

  test('an abort keeps what is sealed and on its way to the storage', async () => {
    await using task = await open();
    const store = of(task);
    store.put('a', ONE);
    const write = await task.commitUpToWrite();
    store.put('a', TWO);
    store.put('b', TWO);
    task.abort();
    expect(store.get('a')).toEqual(ONE);
    await write();
    expect(await collect(store.all())).toEqual([['a', ONE]]);
  });

  test('a record that is taken back leaves everything as it was', async () => {
    await using task = await open();
    const store = of(task);
    store.put('committed', ONE);
    await task.commit();
    store.put('written', ONE);
    const uncommittedBytes = task.store.uncommittedBytes;
    task.failing(() => {
      store.put('committed', TWO);
      store.put('written', TWO);
      store.put('written', THREE);
      store.put('new', TWO);
      store.delete('new');
    });
    expect(task.store.uncommittedBytes).toBe(uncommittedBytes);
    expect(store.get('committed')).toEqual(ONE);
    expect(store.get('written')).toEqual(ONE);
    expect(store.get('new')).toBeNull();
    await task.commit();
    expect(await collect(store.all())).toEqual([
      ['committed', ONE],
      ['written', ONE],
    ]);
    expect(task.changelog).toHaveLength(2);
  });

  test('changing a value that was read or put changes nothing in the store', async () => {
    await using task = await open();
    const store = of(task);
    const mutate = (read: V | null): void => {
      if (typeof read === 'object' && read !== null) Object.assign(read, { changed: true });
    };
    const mine = make(1);
    store.put('a', mine);
    mutate(mine);
    expect(store.get('a')).toEqual(ONE);
    mutate(store.get('a'));
    expect(store.get('a')).toEqual(ONE);
    for await (const [, read] of store.all()) mutate(read);
    await task.commit();
    mutate(store.get('a'));
    expect(store.get('a')).toEqual(ONE);
  });

  test('the changelog gets the value, with the time of the record', async () => {
    await using task = await open();
    task.timestampMs = 77;
    of(task).put('a', ONE);
    of(task).put('b', null);
    await task.commit();
    const bytes = value.serialize(ONE, { topic: 't', isKey: false, headers: [] });
    expect(task.changelog.map(text)).toEqual([`a=${Buffer.from(bytes).toString()}`, 'b=null']);
    expect(task.changelog.map(({ timestampMs }) => timestampMs)).toEqual([77, 77]);
  });

  test('texts that are written with the same bytes, as half a surrogate pair is as ?, are one key', async () => {
    await using task = await open();
    const store = of(task);
    store.put('half \ud800', ONE);
    store.put('half ?', TWO);
    expect(store.get('half \ud800')).toEqual(TWO);
    await task.commit();
    expect(await collect(store.all())).toEqual([['half ?', TWO]]);
  });
}
