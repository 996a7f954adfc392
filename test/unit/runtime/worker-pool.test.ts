import { systemTimers } from '../../../src/adapters/node/clock.ts';
import { transferError } from '../../../src/common/error-transfer.ts';
import { StreamsError } from '../../../src/common/errors.ts';
import type { InstanceHooks } from '../../../src/runtime/running-instance.ts';
import type {
  FromWorker,
  ToWorker,
  WorkerEvents,
  WorkerStart,
} from '../../../src/runtime/worker-messages.ts';
import { WorkerPool } from '../../../src/runtime/worker-pool.ts';
import { MemoryStateDirectory } from '../../../src/state/memory-state-directory.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

/** What a worker answers to what it is told; `start` is the first. */
type Script = (said: ToWorker['kind'] | 'start') => readonly FromWorker[];

const RUNNING: readonly FromWorker[] = [{ kind: 'opened' }, { kind: 'running', running: true }];

/** Does what it is told. */
const obedient: Script = (said) => {
  if (said === 'start') return RUNNING;
  if (said === 'stop') return [{ kind: 'ended', error: null }];
  if (said === 'leaveGroup') return [{ kind: 'left', error: null }];
  return said === 'close' ? [{ kind: 'closed' }] : [];
};

/** Workers that follow scripts, in the order they are started. */
function pool(...scripts: readonly Script[]) {
  const started: WorkerStart[] = [];
  const ended: number[] = [];
  const workers: WorkerEvents[] = [];
  const logger = new RecordingLogger();
  const hooks: InstanceHooks = {
    restoreListener: {
      start: () => {
        throw new Error('a listener of the user');
      },
      batch: () => undefined,
      end: () => undefined,
    },
    onRunning: () => undefined,
    onUncaught: () => 'shutdownClient',
  };
  const open = (signal: AbortSignal, threads = scripts.length): Promise<WorkerPool> =>
    WorkerPool.open(
      {
        spawn: (start, events) => {
          const script = scripts[started.length] ?? obedient;
          const say = (said: Parameters<Script>[0]): void => {
            for (const message of script(said))
              setImmediate(() => {
                events.message(message);
              });
          };
          started.push(start);
          workers.push(events);
          say('start');
          return {
            send: (message) => {
              say(message.kind);
            },
            terminate: () => {
              ended.push(start.index);
              events.exit(new Error('terminated'));
              return Promise.resolve();
            },
          };
        },
        start: { module: 'file:///topology.js', options: {}, threads },
        openFolder: () => Promise.resolve(new MemoryStateDirectory('process')),
        closeTimeoutMs: 50,
        replaceAfterMs: 1,
        timers: systemTimers,
        logger,
      },
      hooks,
      signal,
    );
  const logged = (): string[] => logger.lines.map(({ message }) => message);
  return { open, started, ended, workers, logged };
}

const NEVER = new AbortController().signal;

describe('a pool of workers', () => {
  test('ends a worker that hangs while it opens, when it is told to stop', async () => {
    const { open, started, ended } = pool(obedient, () => []);
    const abort = new AbortController();
    const opening = open(abort.signal);
    await until('both to start', () => started.length === 2);
    abort.abort(new Error('closed'));
    await expect(opening).rejects.toThrow('closed');
    expect(ended).toEqual([1, 2]);
  });

  test('ends a worker that does not stop when another has failed, so that the failure is told', async () => {
    const failure = transferError(new StreamsError('STREAMS_PROCESSING', 'refused'));
    const failing: Script = (said) =>
      said === 'start' ? [...RUNNING, { kind: 'ended', error: failure }] : obedient(said);
    const hanging: Script = (said) => (said === 'start' ? RUNNING : []);
    const { open, ended } = pool(failing, hanging);
    const workers = await open(NEVER);
    await expect(workers.run()).rejects.toThrow('refused');
    expect(ended).toEqual([2]);
    await workers.leaveGroup(); // the one that is left
    await workers.close();
  });

  test('a stop while the successor of a dead worker opens is no failure', async () => {
    const opening: Script = (said) => {
      const error = transferError(new StreamsError('STREAMS_STOPPED', 'closed'));
      return said === 'stop' ? [{ kind: 'ended', error }] : said === 'close' ? obedient(said) : [];
    };
    const { open, started, workers: events } = pool(obedient, opening);
    const workers = await open(NEVER, 1);
    const running = workers.run();
    await until('the worker to run', () => started.length === 1);
    setImmediate(() => events[0]?.exit(new Error('out of memory')));
    await until('the successor', () => started.length === 2);
    workers.stop();
    await running;
    await workers.close();
  });

  test('a restore listener that throws is logged and stops nothing', async () => {
    const restored = { topic: 'log', partition: 0, store: 'counts' };
    const { open, workers: events, logged } = pool(obedient);
    const workers = await open(NEVER);
    events[0]?.message({ kind: 'restore', step: 'start', event: restored as never }); // no more is looked at
    expect(logged()).toEqual(['the restore listener threw']);
    await workers.close();
  });
});
