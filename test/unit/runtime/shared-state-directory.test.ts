import { SharedStateDirectory } from '../../../src/runtime/shared-state-directory.ts';
import { TaskFolders } from '../../../src/runtime/task-folders.ts';
import { LevelStateDirectory } from '../../../src/adapters/level/level-state-directory.ts';
import { systemRandom } from '../../../src/adapters/node/clock.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const REQUEST = { taskId: '0_0', clusterId: 'c', topologyFingerprint: 't', tasks: 1 };

/** One state folder, and two threads' views of it. */
async function folder() {
  const temp = await tempFolder();
  const options = {
    stateDir: temp.path,
    applicationId: 'app',
    levelMemoryMaxBytes: 1 << 20,
    levelMaxOpenFiles: 100,
    random: systemRandom,
    logger: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
  };
  const owner = await LevelStateDirectory.open(options);
  const waiting = new Map<string, () => void>();
  const folders = new TaskFolders((worker, taskId) => {
    waiting.get(`${worker}${taskId}`)?.();
  });
  const thread = (worker: number): SharedStateDirectory =>
    new SharedStateDirectory(LevelStateDirectory.join(options, owner.processId), {
      acquire: (taskId) =>
        new Promise((resolve) => {
          waiting.set(`${worker}${taskId}`, resolve);
          folders.acquire(worker, taskId);
        }),
      release: (taskId) => {
        folders.release(worker, taskId);
      },
    });
  return {
    one: thread(1),
    two: thread(2),
    [Symbol.asyncDispose]: async () => {
      await owner.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

describe('a state folder that threads share', () => {
  test('lets a thread open a task only after the other has closed it', async () => {
    await using shared = await folder();
    const events: string[] = [];
    const { storage } = await shared.one.open(REQUEST);
    const second = shared.two.open(REQUEST).then((opened) => {
      events.push('two opened');
      return opened;
    });
    await storage.write({
      entries: [[Uint8Array.of(1, 0, 0, 9), Uint8Array.of(7)]],
      positions: new Map(),
    });
    events.push('one closes');
    await storage.close();
    const opened = await second;
    expect(events).toEqual(['one closes', 'two opened']);
    expect(opened.storage.get(Uint8Array.of(1, 0, 0, 9))).toEqual(Uint8Array.of(7));
    await opened.storage.close();
  });

  test('gives a task back where it cannot be opened, and after a wipe', async () => {
    await using shared = await folder();
    const { storage } = await shared.one.open(REQUEST);
    await storage.write({ entries: [], positions: new Map() });
    await storage.close();
    await expect(shared.one.open({ ...REQUEST, clusterId: 'another' })).rejects.toThrow('another');
    await shared.two.wipe('0_0', { reason: 'damaged', detail: 'as a test wants' });
    const again = await shared.one.open({ ...REQUEST, clusterId: 'another' });
    await again.storage.close();
  });
});
