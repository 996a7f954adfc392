import { systemTimers } from '../../../src/adapters/node/clock.ts';
import type { RunningInstance } from '../../../src/runtime/running-instance.ts';
import type { TaskGuard } from '../../../src/runtime/shared-state-directory.ts';
import { WorkerHost } from '../../../src/runtime/worker-host.ts';
import type { FromWorker, ToWorker } from '../../../src/runtime/worker-messages.ts';

/** A host whose instance does nothing until it is closed; the test is the pool. */
async function host() {
  const sent: FromWorker[] = [];
  let tell: (message: ToWorker) => void = () => undefined;
  let end: () => void = () => undefined;
  const instance: RunningInstance = {
    run: () =>
      new Promise((resolve) => {
        end = resolve;
      }),
    stop: () => {
      end();
    },
    leaveGroup: () => Promise.resolve(),
    close: () => {
      end();
      return Promise.resolve();
    },
    stores: () => null,
  };
  let life: Promise<void> = Promise.resolve();
  const guard = await new Promise<TaskGuard>((resolve) => {
    life = WorkerHost.run({
      port: {
        send: (message) => {
          sent.push(message);
        },
        onMessage: (handle) => {
          tell = handle;
        },
      },
      open: (_hooks, given) => {
        resolve(given);
        return Promise.resolve(instance);
      },
      onUncaught: () => 'shutdownClient',
      samples: () => [],
      timers: systemTimers,
    });
  });
  return {
    guard,
    tell: (message: ToWorker) => {
      tell(message);
    },
    folderMessages: () =>
      sent.flatMap((message) => ('taskId' in message ? [`${message.kind} ${message.taskId}`] : [])),
    [Symbol.asyncDispose]: async () => {
      tell({ kind: 'close' });
      await life;
    },
  };
}

const GRANTED = { kind: 'granted', taskId: '0_0' } as const;

describe("a worker that waits for a task's folder", () => {
  test('gives up when its thread does, and gives the folder back when it comes too late', async () => {
    await using worker = await host();
    const abort = new AbortController();
    const waiting = worker.guard.acquire('0_0', abort.signal);
    abort.abort(new Error('a rebalance began'));
    await expect(waiting).rejects.toThrow('a rebalance began');
    expect(worker.folderMessages()).toEqual(['acquire 0_0']);
    worker.tell(GRANTED);
    expect(worker.folderMessages()).toEqual(['acquire 0_0', 'release 0_0']);
  });

  test('keeps its place in the line when it asks again: one grant is one owner', async () => {
    await using worker = await host();
    const abort = new AbortController();
    const first = worker.guard.acquire('0_0', abort.signal);
    abort.abort(new Error('a rebalance began'));
    await expect(first).rejects.toThrow('a rebalance began');
    const second = worker.guard.acquire('0_0');
    worker.tell(GRANTED);
    await second;
    expect(worker.folderMessages()).toEqual(['acquire 0_0']);
  });

  test('keeps a folder that it has, whatever ends the wait for it later', async () => {
    await using worker = await host();
    const abort = new AbortController();
    const waiting = worker.guard.acquire('0_0', abort.signal);
    worker.tell(GRANTED);
    abort.abort(new Error('a rebalance began'));
    await waiting;
    expect(worker.folderMessages()).toEqual(['acquire 0_0']);
  });
});
