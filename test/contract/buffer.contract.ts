import { Change } from '../../src/common/change.ts';
import { NO_HEADERS } from '../../src/common/record.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { asChangeBuffer, asRecordBuffer } from '../../src/state/store-views.ts';
import { changeBufferBuilder, recordBufferBuilder } from '../../src/state/stores.ts';
import type {
  BufferedContext,
  ChangeBuffer,
  TimeOrderedBuffer,
} from '../../src/state/time-ordered-buffer.ts';
import { StoreTask } from '../support/store-task.ts';
import type { PagedVariant } from './join-store.contract.ts';

const at = (timestampMs: number): BufferedContext => ({
  timestampMs,
  headers: NO_HEADERS,
  topic: 'in',
  partition: 2,
  offset: 3,
});

/** What every `ChangeBuffer` promises, whatever is below it. */
export function changeBufferContract({ storage, objectsBytes }: PagedVariant): void {
  function open(): Promise<StoreTask> {
    const builder = changeBufferBuilder({
      name: 'store',
      key: serdes.string,
      value: serdes.string,
      persistent: storage === 'level',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }
  const of = (task: StoreTask): ChangeBuffer<string, string> => asChangeBuffer(task.store);
  const put = (task: StoreTask, timeMs: number, key: string, value: string | null): void => {
    of(task).put(timeMs, key, new Change(value, `old ${key}`), at(timeMs));
  };
  const evictAll = (task: StoreTask, most = Infinity): string[] => {
    const evicted: string[] = [];
    of(task).evictWhile(
      () => evicted.length < most,
      ({ key, value, context }) => {
        evicted.push(`${context.timestampMs} ${key}=${value.newValue} (${value.oldValue})`);
      },
    );
    return evicted;
  };
  const counts = (task: StoreTask): unknown => {
    const { numRecords, bufferBytes, minTimestampMs } = of(task);
    return [numRecords, bufferBytes, minTimestampMs];
  };

  test('records leave by time, then key, as long as the predicate holds', async () => {
    await using task = await open();
    put(task, 5, 'b', 'x');
    put(task, 5, 'a', 'y');
    await task.commit();
    put(task, 3, 'c', null);
    expect(of(task).minTimestampMs).toBe(3);
    expect(evictAll(task, 2)).toEqual(['3 c=null (old c)', '5 a=y (old a)']);
    expect([of(task).numRecords, of(task).minTimestampMs]).toEqual([1, 5]);
    expect(evictAll(task)).toEqual(['5 b=x (old b)']);
    expect(counts(task)).toEqual([0, 0, Infinity]);
  });

  test('a later record of a key replaces the value, and keeps time and prior value of the first', async () => {
    await using task = await open();
    of(task).put(5, 'a', new Change('1', 'before'), at(5));
    of(task).put(9, 'a', new Change('2', '1'), at(9));
    // Time and key, values, context: as Kafka Streams counts them.
    expect(counts(task)).toEqual([1, 8 + 1 + (6 + 1 + 1) + (8 + 8 + 2 + 4), 5]);
    expect(of(task).priorValueForBuffered('a')).toMatchObject({ value: 'before' });
    expect(of(task).priorValueForBuffered('b')).toBeUndefined();
    of(task).put(7, 'b', new Change('1', null), at(7));
    expect(of(task).priorValueForBuffered('b')).toBeNull();
    expect(evictAll(task)).toEqual(['9 a=2 (1)', '7 b=1 (null)']);
  });

  test('what is buffered survives a crash and a rebuild, with its counts', async () => {
    const task = await open();
    for (let time = 0; time < 50; time++) put(task, time, `k${time}`, 'v');
    await task.commit();
    evictAll(task, 10);
    put(task, 20, 'k20', 'w');
    await task.commit();
    put(task, 1, 'lost', 'v');
    evictAll(task, 5);
    const crashed = await task.crash();
    const after = counts(crashed);
    expect(after).toMatchObject([40, expect.any(Number), 10]);
    await using rebuilt = await crashed.rebuild();
    expect(counts(rebuilt)).toEqual(after);
    const evicted = evictAll(rebuilt);
    expect(evicted).toHaveLength(40);
    expect(evicted[10]).toBe('20 k20=w (old k20)');
  });

  test('an abort and a record that is taken back leave buffer and counts as they were', async () => {
    await using task = await open();
    put(task, 5, 'a', 'x');
    await task.commit();
    const before = counts(task);
    task.failing(() => {
      put(task, 1, 'b', 'x');
      evictAll(task);
    });
    expect(counts(task)).toEqual(before);
    put(task, 1, 'b', 'x');
    evictAll(task);
    task.abort();
    expect(counts(task)).toEqual(before);
    expect(evictAll(task)).toEqual(['5 a=x (old a)']);
  });

  test('logs each changed key once a commit, as Kafka Streams', async () => {
    await using task = await open();
    of(task).put(258, 'k', new Change('N', 'O'), at(7));
    of(task).put(258, 'k', new Change('M', 'O'), at(7));
    await task.commit();
    evictAll(task);
    await task.commit();
    expect(task.changelog).toMatchObject([
      { key: Uint8Array.of(107), headers: [['v', Uint8Array.of(3)]] },
      { key: Uint8Array.of(107), value: null },
    ]);
    expect([...(task.changelog[0]?.value ?? [])]).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 7], // timestamp
      ...[0, 0, 0, 0, 0, 0, 0, 3], // offset
      ...[0, 0, 0, 2, 105, 110], // topic
      ...[0, 0, 0, 2], // partition
      ...[0, 0, 0, 0], // headers
      ...[0, 0, 0, 1, 79], // prior value
      ...[255, 255, 255, 254], // old value: the same
      ...[0, 0, 0, 1, 77], // new value
      ...[0, 0, 0, 0, 0, 0, 1, 2], // time
    ]);
  });
}

/** What every buffer of records promises, whatever is below it. */
export function recordBufferContract({ storage, objectsBytes }: PagedVariant): void {
  function open(): Promise<StoreTask> {
    const builder = recordBufferBuilder({
      name: 'store',
      key: serdes.string,
      value: serdes.string,
      grace: 10,
      persistent: storage === 'level',
    });
    return StoreTask.open({ builder, storage, objectsBytes });
  }
  const of = (task: StoreTask): TimeOrderedBuffer<string, string> => asRecordBuffer(task.store);
  const put = (task: StoreTask, timeMs: number, key: string, value: string): boolean =>
    of(task).put(timeMs, key, value, at(timeMs));
  const evictAll = (task: StoreTask): string[] => {
    const evicted: string[] = [];
    of(task).evictWhile(
      () => true,
      ({ key, value, context }) => {
        evicted.push(`${context.timestampMs} ${key}=${value}`);
      },
    );
    return evicted;
  };

  test('records wait until stream time passes them by the grace period', async () => {
    await using task = await open();
    put(task, 5, 'b', '1');
    put(task, 5, 'a', '2');
    put(task, 5, 'a', '3');
    expect(evictAll(task)).toEqual([]);
    await task.commit();
    put(task, 15, 'c', '4');
    expect(of(task).numRecords).toBe(4);
    expect(evictAll(task)).toEqual(['5 a=2', '5 a=3', '5 b=1']);
    expect([of(task).numRecords, of(task).minTimestampMs]).toEqual([1, 15]);
  });

  test('a record older than the grace period is not buffered', async () => {
    await using task = await open();
    put(task, 15, 'a', '1');
    expect(put(task, 5, 'b', '2')).toBe(true);
    expect(put(task, 4, 'b', '3')).toBe(false);
    expect(of(task).numRecords).toBe(2);
  });

  test('what is buffered survives a crash and a rebuild, with its counts and stream time', async () => {
    const task = await open();
    put(task, 5, 'a', '1');
    put(task, 5, 'a', '2');
    put(task, 15, 'a', '3');
    await task.commit();
    const { bufferBytes } = of(task);
    const crashed = await task.crash();
    expect(put(crashed, 4, 'b', '4')).toBe(false);
    expect(put(crashed, 5, 'a', '5')).toBe(true);
    crashed.abort();
    await using rebuilt = await crashed.rebuild();
    expect([of(rebuilt).numRecords, of(rebuilt).bufferBytes]).toEqual([3, bufferBytes]);
    expect(put(rebuilt, 4, 'b', '4')).toBe(false);
    expect(evictAll(rebuilt)).toEqual(['5 a=1', '5 a=2']);
    await rebuilt.commit();
    expect(rebuilt.changelog.slice(3).map(({ value }) => value)).toEqual([null, null]);
  });

  test('logs time, key and sequence, as Kafka Streams', async () => {
    await using task = await open();
    put(task, 258, 'k', '1');
    expect(task.changelog[0]?.key).toEqual(
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 2, 107, 0, 0, 0, 1),
    );
  });
}
