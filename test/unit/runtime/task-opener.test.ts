import { StreamsError } from '../../../src/common/errors.ts';
import { TaskId } from '../../../src/common/task-id.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { SharedStateDirectory } from '../../../src/runtime/shared-state-directory.ts';
import { TaskOpener } from '../../../src/runtime/task-opener.ts';
import { TaskRegistry, type AssignedTask } from '../../../src/runtime/task-registry.ts';
import { MemoryStateDirectory } from '../../../src/state/memory-state-directory.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { openLevelDirectory } from '../../support/state-directories.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const task = (text: string, persistent: boolean): AssignedTask => ({
  id: TaskId.parse(text),
  subtopology: { stores: persistent ? [{ persistent }] : [] } as never, // nobody here looks at more
  partitions: [],
});

const ON_DISK = task('0_1', true);
const IN_MEMORY = task('0_0', false);

async function openRegistry(
  stateDir: string,
  refused: AssignedTask | null = null,
): Promise<TaskRegistry> {
  return new TaskRegistry({
    folder: await openLevelDirectory({ stateDir }),
    memory: new MemoryStateDirectory('process'),
    clusterId: 'cluster',
    topologyFingerprint: 'fingerprint',
    openTask: ({ id }) => {
      if (id === refused?.id) throw new StreamsError('STREAMS_CONFIG', 'no serde');
      return { changelogs: [], close: () => Promise.resolve() } as never; // all that is asked for
    },
    logger: SILENT_LOGGER,
  });
}

function openerOf(registry: TaskRegistry): TaskOpener {
  return new TaskOpener({
    registry,
    fetchCommitted: (_: unknown, signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('stopped'));
        });
      }),
    clock: new VirtualClock(0),
    logger: SILENT_LOGGER,
  } as never); // it gets no further
}

test('an opening that was stopped leaves no database half open', async () => {
  await using folder = await tempFolder();
  const registry = await openRegistry(folder.path);
  const abort = new AbortController();
  const opening = openerOf(registry).open([ON_DISK], abort.signal, () => undefined);
  abort.abort();
  await expect(opening).rejects.toThrow('stopped');
  // Whoever gives the task up now closes it, and whoever gets it again finds nothing in the way.
  await registry.close(registry.ids);
  await registry.open([ON_DISK]);
  await registry.close(registry.ids);
});

test('an opening that is stopped does not wait for a folder that another thread has', async () => {
  const taken = new SharedStateDirectory(new MemoryStateDirectory('process'), {
    acquire: (_taskId, signal) =>
      new Promise((_resolve, reject) => {
        signal?.throwIfAborted();
        signal?.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
      }),
    release: () => undefined,
  });
  const registry = new TaskRegistry({
    folder: taken,
    memory: new MemoryStateDirectory('process'),
    clusterId: 'cluster',
    topologyFingerprint: 'fingerprint',
    openTask: () => ({}) as never, // it gets no further
    logger: SILENT_LOGGER,
  });
  const abort = new AbortController();
  const opening = openerOf(registry).open([ON_DISK], abort.signal, () => undefined);
  abort.abort();
  await expect(opening).rejects.toThrow();
  expect(registry.ids).toEqual([]);
});

test('the ends of changelogs are read when the offsets are stable, not before', async () => {
  await using folder = await tempFolder();
  const steps: string[] = [];
  const registry = new TaskRegistry({
    folder: await openLevelDirectory({ stateDir: folder.path }),
    memory: new MemoryStateDirectory('process'),
    clusterId: 'cluster',
    topologyFingerprint: 'fingerprint',
    openTask: () =>
      ({
        changelogs: [{ topic: 'log', partition: 0, store: { name: 'counts' } }],
        close: () => Promise.resolve(),
      }) as never, // all that is asked for
    logger: SILENT_LOGGER,
  });
  const opener = new TaskOpener({
    registry,
    fetchCommitted: async () => {
      await until('the storage to be open', () => registry.ids.length === 1);
      steps.push('stable offsets');
      return new Map();
    },
    admin: {
      describeTopics: () => {
        steps.push('changelogs');
        return Promise.reject(new Error('enough'));
      },
    },
    prepareOutputs: () => Promise.resolve(),
    clock: new VirtualClock(0),
    logger: SILENT_LOGGER,
  } as never); // it gets no further
  const opening = opener.open([ON_DISK], new AbortController().signal, () => undefined);
  await expect(opening).rejects.toThrow('enough');
  expect(steps).toEqual(['stable offsets', 'changelogs']);
  await registry.close(registry.ids);
});

test('a task that cannot be opened leaves no other half open', async () => {
  await using folder = await tempFolder();
  const registry = await openRegistry(folder.path, IN_MEMORY);
  await expect(registry.open([IN_MEMORY, ON_DISK])).rejects.toMatchObject({
    code: 'STREAMS_CONFIG',
  });
  expect(registry.ids).toEqual(['0_1']);
  await registry.close(registry.ids);
});
