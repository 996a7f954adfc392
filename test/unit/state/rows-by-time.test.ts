import { serdes } from '../../../src/serde/serdes.ts';
import { asSessionTableStore, asWindowTableStore } from '../../../src/state/store-views.ts';
import { sessionTableStoreBuilder, windowTableStoreBuilder } from '../../../src/state/stores.ts';
import { StoreTask } from '../../support/store-task.ts';

/** Slices of this retention are a minute wide. */
const RETENTION_MS = 100_000;
const COMMON = {
  name: 'store',
  key: serdes.string,
  value: serdes.json<number>(),
  retention: RETENTION_MS,
} as const;

/** Commits the rows, and reads them by time: on the same disk, and rebuilt from the changelog. */
async function committed(
  open: () => Promise<StoreTask>,
  put: (task: StoreTask) => void,
  read: (task: StoreTask) => string[],
): Promise<{ onDisk: string[]; rebuilt: string[] }> {
  const task = await open();
  put(task);
  await task.commit();
  const crashed = await task.crash();
  const onDisk = read(crashed);
  await using rebuilt = await crashed.rebuild();
  return { onDisk, rebuilt: read(rebuilt) };
}

describe('rows that are waiting to be emitted', () => {
  test('a session that came when it expired is had by its end, also from a store that was rebuilt', async () => {
    const builder = sessionTableStoreBuilder({ ...COMMON, timeIndex: true });
    const of = (task: StoreTask) => asSessionTableStore<string, number>(task.store);
    const { onDisk, rebuilt } = await committed(
      () => StoreTask.open({ builder, storage: 'level' }),
      (task) => {
        of(task).update('b', 5, RETENTION_MS + 20, 2, RETENTION_MS + 20, []);
        of(task).update('a', 20, 20, 1, 20, []);
      },
      (task) => [...of(task).endedIn(0, 1e9)].map(({ key, endMs }) => `${key}@${endMs}`),
    );
    expect(onDisk).toEqual(['a@20', 'b@100020']);
    expect(rebuilt).toEqual(onDisk);
  });

  test('a window that came when it expired is had by its start, also from a store that was rebuilt', async () => {
    const builder = windowTableStoreBuilder({ ...COMMON, windowSize: 10, timeIndex: true });
    const of = (task: StoreTask) => asWindowTableStore<string, number>(task.store);
    const { onDisk, rebuilt } = await committed(
      () => StoreTask.open({ builder, storage: 'level' }),
      (task) => {
        of(task).update('b', RETENTION_MS, 2, RETENTION_MS, []);
        of(task).update('a', 0, 1, 1, []);
      },
      (task) =>
        [...of(task).startedIn(0, 1e9)].map(({ key, windowStartMs }) => `${key}@${windowStartMs}`),
    );
    expect(onDisk).toEqual(['a@0', 'b@100000']);
    expect(rebuilt).toEqual(onDisk);
  });

  test.each([
    ['sessions', (timeIndex: boolean) => sessionTableStoreBuilder({ ...COMMON, timeIndex })],
    [
      'windows',
      (timeIndex: boolean) =>
        windowTableStoreBuilder({ ...COMMON, windowSize: 10, ranges: true, timeIndex }),
    ],
  ])(
    '%s that were kept without their times are refused, since none would be emitted',
    async (_, builder) => {
      const task = await StoreTask.open({ builder: builder(false), storage: 'level' });
      await task.commit();
      await expect(task.crash(builder(true))).rejects.toMatchObject({
        code: 'STREAMS_STATE_INCOMPATIBLE',
      });
    },
  );
});
