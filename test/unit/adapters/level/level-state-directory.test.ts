import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { LevelStateDirectory } from '../../../../src/adapters/level/level-state-directory.ts';
import { LevelTaskStorage } from '../../../../src/adapters/level/level-task-storage.ts';
import { systemRandom } from '../../../../src/adapters/node/clock.ts';
import { NO_FAILPOINTS } from '../../../../src/common/failpoints.ts';
import { MetricsRegistry } from '../../../../src/observability/metrics-registry.ts';
import type { StoreDescription } from '../../../../src/state/task-storage.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';
import { openLevelDirectory, TASK } from '../../../support/state-directories.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const STORE: StoreDescription = {
  name: 'counts',
  layout: 'key-value',
  persistent: true,
  changelogTopic: 'app-counts-changelog',
};
const POSITION = { topicId: 'cafe', offset: 42, wallTimeMs: 1234 };
const KEY = Uint8Array.of(1, 0, 0, 97);
const VALUE = Uint8Array.of(7);

/** Opens the folder, writes one row with a position, and closes. */
async function writeOnce(stateDir: string): Promise<void> {
  const directory = await openLevelDirectory({ stateDir });
  const { storage } = await directory.open(TASK);
  storage.storeNumber(STORE);
  await storage.write({
    entries: [[KEY, VALUE]],
    positions: new Map([[STORE.changelogTopic, POSITION]]),
  });
  await directory.close();
}

/** Opens it again and tells what is there. */
async function readBack(stateDir: string, request = TASK) {
  const logger = new RecordingLogger();
  const metrics = new MetricsRegistry();
  const directory = await openLevelDirectory({ stateDir, logger, metrics });
  try {
    const { storage, wiped } = await directory.open(request);
    return {
      value: storage.get(KEY),
      position: storage.position(STORE.changelogTopic),
      wiped,
      warnings: logger.lines.map(({ message }) => message),
      wipes: metrics.counter('state-wipes-total', { reason: 'damaged' }).value,
    };
  } finally {
    await directory.close();
  }
}

/** Changes a meta row behind the library's back. */
async function setMeta(stateDir: string, name: string, value: Uint8Array | null): Promise<void> {
  const db = new ClassicLevel<Buffer, Buffer>(join(stateDir, 'app/0_0'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  await db.open();
  const key = Buffer.from(`\0${name}`);
  if (value === null) await db.del(key);
  else await db.put(key, Buffer.from(value));
  await db.close();
}

describe('the state directory', () => {
  test('keeps rows, positions and store numbers', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    expect(await readBack(folder.path)).toEqual({
      value: Buffer.from(VALUE),
      position: POSITION,
      wiped: null,
      warnings: [],
      wipes: 0,
    });
    const directory = await openLevelDirectory({ stateDir: folder.path });
    const { storage } = await directory.open(TASK);
    expect(storage.storeNumber({ ...STORE, name: 'other' })).toBe(1);
    expect(storage.storeNumber(STORE)).toBe(0);
    await directory.close();
  });

  test('remembers the ids of the source topics from the next write on', async () => {
    await using folder = await tempFolder();
    const ids = new Map([['clicks', 'cafe']]);
    for (const expected of [undefined, undefined, 'cafe']) {
      const directory = await openLevelDirectory({ stateDir: folder.path });
      const { storage } = await directory.open(TASK);
      expect(storage.sourceId('clicks')).toBe(expected);
      storage.setSourceIds(ids);
      // The first time nothing is written after it, as where a task is taken away again at once.
      const isLast = (await readdir(join(folder.path, 'app'))).includes('again');
      if (isLast) await storage.write({ entries: [[KEY, VALUE]], positions: new Map() });
      await writeFile(join(folder.path, 'app/again'), '');
      await directory.close();
    }
  });

  test('gives up the lock also where a database does not close', async () => {
    await using folder = await tempFolder();
    const directory = await openLevelDirectory({ stateDir: folder.path });
    const { storage } = await directory.open(TASK);
    await directory.open({ ...TASK, taskId: '0_1' });
    storage.close = () => Promise.reject(new Error('the disk is gone'));
    await expect(directory.close()).rejects.toThrow('the disk is gone');
    const again = await openLevelDirectory({ stateDir: folder.path });
    await again.open({ ...TASK, taskId: '0_1' });
    await again.close();
  });

  test('closes a database after what is being cleared', async () => {
    await using folder = await tempFolder();
    const directory = await openLevelDirectory({ stateDir: folder.path });
    const { storage } = await directory.open(TASK);
    const entries = Array.from(
      { length: 5000 },
      (_, row) => [Uint8Array.of(1, row >> 8, row), KEY] as const,
    );
    await storage.write({ entries, positions: new Map([[STORE.changelogTopic, POSITION]]) });
    const cleared = storage.clear({ from: Uint8Array.of(1), to: Uint8Array.of(2) });
    await directory.close();
    await cleared;
    expect(await readBack(folder.path)).toMatchObject({ value: undefined, position: POSITION });
  });

  test('is for its user only, and keeps its process id', async () => {
    await using folder = await tempFolder();
    const first = await openLevelDirectory({ stateDir: folder.path });
    const { processId } = first;
    await first.open(TASK);
    await first.close();
    const second = await openLevelDirectory({ stateDir: folder.path });
    expect(second.processId).toBe(processId);
    expect(processId).toMatch(/^[0-9a-f-]{36}$/);
    for (const path of ['app', 'app/0_0']) {
      expect((await stat(join(folder.path, path))).mode & 0o777).toBe(0o700);
    }
    await second.close();
  });

  test('a second instance is refused while the first is open', async () => {
    await using folder = await tempFolder();
    const first = await openLevelDirectory({ stateDir: folder.path });
    await expect(openLevelDirectory({ stateDir: folder.path })).rejects.toMatchObject({
      code: 'STREAMS_STATE_LOCKED',
    });
    const other = await openLevelDirectory({ stateDir: folder.path, applicationId: 'other' });
    await other.close();
    await first.close();
  });

  test('a database that another process has open is refused, not wiped', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    const thief = new ClassicLevel(join(folder.path, 'app/0_0'));
    await thief.open();
    await expect(readBack(folder.path)).rejects.toMatchObject({ code: 'STREAMS_STATE_LOCKED' });
    await thief.close();
    expect((await readBack(folder.path)).value).toEqual(Buffer.from(VALUE));
  });

  test.each([
    ['CURRENT is gone', (task: string) => rm(join(task, 'CURRENT'))],
    ['CURRENT is empty', (task: string) => truncate(join(task, 'CURRENT'))],
  ])('wipes, counts and logs what is damaged: %s', async (_, damage) => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    await damage(join(folder.path, 'app/0_0'));
    expect(await readBack(folder.path)).toMatchObject({
      value: undefined,
      position: undefined,
      wiped: { reason: 'damaged', detail: expect.stringContaining('CURRENT') as unknown },
      warnings: ['state is deleted and will be rebuilt from its changelogs'],
      wipes: 1,
    });
  });

  test.each([
    ['the format is gone', 'format', null],
    ['the format is no number', 'format', Uint8Array.of(1)],
    ['a position is cut', 'changelog/app-counts-changelog', Uint8Array.of(1, 2)],
    [
      'a position is beyond 2^53',
      'changelog/app-counts-changelog',
      Uint8Array.of(0x20, ...new Uint8Array(15)),
    ],
    ['a store has a layout that is not known', 'store/counts', Buffer.from('..what')],
  ])('wipes what cannot be read: %s', async (_, name, value) => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    await setMeta(folder.path, name, value);
    expect(await readBack(folder.path)).toMatchObject({ value: undefined, wipes: 1 });
  });

  test('a newer format is refused and left alone', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    await setMeta(folder.path, 'format', Uint8Array.of(0, 0, 0, 2));
    await expect(readBack(folder.path)).rejects.toMatchObject({
      code: 'STREAMS_STATE_INCOMPATIBLE',
      message: expect.stringContaining('newer release, in format 2') as unknown,
    });
    await setMeta(folder.path, 'format', Uint8Array.of(0, 0, 0, 1));
    expect(await readBack(folder.path)).toMatchObject({ position: POSITION, wipes: 0 });
  });

  test('state of another cluster or application is refused and left alone', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    await expect(readBack(folder.path, { ...TASK, clusterId: 'another' })).rejects.toMatchObject({
      code: 'STREAMS_STATE_INCOMPATIBLE',
      message: expect.stringContaining("state of cluster 'cluster', not of 'another'") as unknown,
    });
    await setMeta(folder.path, 'application', Buffer.from('theirs'));
    await expect(readBack(folder.path)).rejects.toThrow("application 'theirs', not of 'app'");
    await setMeta(folder.path, 'application', Buffer.from('app'));
    expect(await readBack(folder.path)).toMatchObject({ position: POSITION, wipes: 0 });
  });

  test('a store whose layout changed is refused', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    const directory = await openLevelDirectory({ stateDir: folder.path });
    const { storage } = await directory.open(TASK);
    expect(() => storage.storeNumber({ ...STORE, layout: 'window' })).toThrow(
      'written as key-value and the topology has it as window',
    );
    await directory.close();
  });

  test('a database that ought to be there is not made anew', async () => {
    await using folder = await tempFolder();
    const opening = LevelTaskStorage.open({
      folder: folder.path,
      taskId: '0_0',
      owner: { clusterId: 'cluster', applicationId: 'app' },
      topologyFingerprint: '',
      memoryBytes: 1_048_576,
      maxOpenFiles: 100,
      exists: true,
      failpoints: NO_FAILPOINTS,
    });
    await expect(opening).rejects.toMatchObject({ site: { folder: folder.path, taskId: '0_0' } });
  });

  test('a database that was never written to is new', async () => {
    await using folder = await tempFolder();
    const directory = await openLevelDirectory({ stateDir: folder.path });
    await directory.open(TASK);
    await directory.close();
    expect(await readBack(folder.path)).toMatchObject({ position: undefined, wiped: null });
  });

  test('wiping a task closes it, deletes its folder and nothing else', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    const app = join(folder.path, 'app');
    await writeFile(join(app, 'notes.txt'), 'mine');
    await mkdir(join(app, 'backup'));
    const directory = await openLevelDirectory({ stateDir: folder.path });
    await directory.open(TASK);
    await directory.open({ ...TASK, taskId: '1_0' });
    expect(await directory.list()).toEqual(['0_0', '1_0']);
    await directory.wipe('0_0', { reason: 'topic-recreated', detail: 'test' });
    await expect(
      directory.wipe('../0_0', { reason: 'topic-recreated', detail: 'test' }),
    ).rejects.toThrow('no task id');
    expect(await readdir(app)).toEqual(['1_0', 'backup', 'lock', 'notes.txt', 'process']);
    await directory.open(TASK);
    await directory.close();
  });

  test('cleaning up deletes all tasks and keeps the process id', async () => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    const before = await readFile(join(folder.path, 'app/process'), 'utf8');
    await LevelStateDirectory.cleanUp({
      stateDir: folder.path,
      applicationId: 'app',
      levelMemoryMaxBytes: 1_048_576,
      levelMaxOpenFiles: 100,
      random: systemRandom,
      logger: new RecordingLogger(),
      metrics: new MetricsRegistry(),
    });
    expect(await readdir(join(folder.path, 'app'))).toEqual(['process']);
    expect(await readFile(join(folder.path, 'app/process'), 'utf8')).toBe(before);
  });

  test.each([
    ['slash/../..', 'slash%2F..%2F..'],
    ['..', '%2E.'],
    ['nul\0', 'nul%00'],
    ['é', '%C3%A9'],
  ])('an application id %j stays inside the folder', async (applicationId, name) => {
    await using folder = await tempFolder();
    const directory = await openLevelDirectory({ stateDir: folder.path, applicationId });
    expect(await readdir(folder.path)).toEqual([name]);
    await directory.close();
  });

  test('long application ids that differ at the end have folders of their own', async () => {
    await using folder = await tempFolder();
    for (const end of ['a', 'b']) {
      const applicationId = 'x'.repeat(299) + end;
      const directory = await openLevelDirectory({ stateDir: folder.path, applicationId });
      await directory.close();
    }
    expect(await readdir(folder.path)).toHaveLength(2);
  });

  test('a folder that is a link is refused', async () => {
    await using folder = await tempFolder();
    await mkdir(join(folder.path, 'elsewhere'));
    await symlink(join(folder.path, 'elsewhere'), join(folder.path, 'app'));
    await expect(openLevelDirectory({ stateDir: folder.path })).rejects.toMatchObject({
      code: 'STREAMS_CONFIG',
    });
  });

  test.each([
    ['a task', 'app/0_0', 'elsewhere'],
    ['a file of a task', 'app/0_0/LOG', 'elsewhere/LOG'],
  ])('%s that is a link is refused, and what it leads to stays', async (_, link, target) => {
    await using folder = await tempFolder();
    await writeOnce(folder.path);
    await rename(join(folder.path, link), join(folder.path, 'moved'));
    await mkdir(join(folder.path, 'elsewhere'));
    await writeFile(join(folder.path, 'elsewhere/LOG'), 'mine');
    await symlink(join(folder.path, target), join(folder.path, link));
    const directory = await openLevelDirectory({ stateDir: folder.path });
    await expect(directory.open(TASK)).rejects.toMatchObject({
      code: 'STREAMS_CONFIG',
      message: expect.stringContaining('is a symbolic link') as unknown,
      site: { taskId: '0_0' },
    });
    await directory.close();
    expect(await readdir(join(folder.path, 'elsewhere'))).toEqual(['LOG']);
    expect(await readFile(join(folder.path, 'elsewhere/LOG'), 'utf8')).toBe('mine');
  });

  test('what a link in the folder of the application leads to is not written', async () => {
    await using folder = await tempFolder();
    const victim = join(folder.path, 'victim');
    await writeFile(victim, 'mine');
    await mkdir(join(folder.path, 'app'));
    for (const name of ['process', 'process.new']) {
      await symlink(victim, join(folder.path, 'app', name));
    }
    const directory = await openLevelDirectory({ stateDir: folder.path });
    await directory.close();
    expect(await readFile(victim, 'utf8')).toBe('mine');
  });

  test('a stateDir that cannot be made is a config error that names it', async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    await chmod(file, 0o600);
    await expect(openLevelDirectory({ stateDir: file })).rejects.toMatchObject({
      code: 'STREAMS_CONFIG',
      site: { folder: join(file, 'app'), option: 'stateDir' },
    });
  });
});
