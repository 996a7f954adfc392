import { TaskId } from '../../../src/common/task-id.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { TaskManager } from '../../../src/runtime/task-manager.ts';
import type { RunningTask } from '../../../src/runtime/task-opener.ts';
import type { AssignedTask } from '../../../src/runtime/task-registry.ts';

const assigned = (text: string): AssignedTask => ({
  id: TaskId.parse(text),
  subtopology: {} as never, // nobody here looks at it
  partitions: [],
});
const member = (generationId: number, memberId = 'm') => ({
  groupId: 'g',
  memberId,
  generationId,
  groupInstanceId: null,
});

/** Opens tasks when told to, and notes what happens to them. */
function manager() {
  const events: string[] = [];
  const live = new Set<string>();
  let open: { done: () => void; fail: (error: Error) => void } | null = null;
  const opener = {
    open: (
      tasks: readonly AssignedTask[],
      signal: AbortSignal,
      onStarted: (running: readonly RunningTask[]) => void,
    ) =>
      new Promise<void>((resolve, reject) => {
        events.push(`opening ${tasks.map(({ id }) => id.toString()).join()}`);
        for (const { id } of tasks) live.add(id.toString());
        signal.addEventListener('abort', () => {
          events.push('stopped');
          reject(new Error('stopped'));
        });
        open = {
          fail: reject,
          done: () => {
            onStarted(
              tasks.map(
                (task) =>
                  ({
                    assigned: task,
                    task: { discard: () => events.push(`discarded ${task.id.toString()}`) },
                  }) as never, // the manager calls nothing else
              ),
            );
            resolve();
          },
        };
      }),
  };
  const registry = {
    get ids() {
      return [...live];
    },
    close: (ids: readonly string[]) => {
      for (const id of ids) {
        live.delete(id);
        events.push(`closed ${id}`);
      }
      return Promise.resolve();
    },
  };
  const subject = new TaskManager({
    opener,
    registry,
    onChange: () => undefined,
    metrics: new MetricsRegistry(),
    tags: {},
  });
  const settle = async (act: (opening: NonNullable<typeof open>) => void): Promise<void> => {
    if (open !== null) act(open);
    await new Promise(setImmediate);
  };
  return {
    subject,
    events,
    running: () => subject.running.map(({ assigned: task }) => task.id.toString()),
    opened: () =>
      settle(({ done }) => {
        done();
      }),
    failed: (error: Error) =>
      settle(({ fail }) => {
        fail(error);
      }),
    assign: (generation: number, ...ids: readonly string[]) =>
      subject.assign(ids.map(assigned), member(generation)),
  };
}

describe('tasks of an instance', () => {
  test('run once they are open, in the order of their ids', async () => {
    const { subject, assign, opened, running } = manager();
    expect(subject.isComplete).toBe(false);
    await assign(1, '1_0', '0_0');
    expect(subject.isComplete).toBe(false);
    await opened();
    expect(running()).toEqual(['0_0', '1_0']);
    expect(subject.isComplete).toBe(true);
  });

  test('that come back in the next generation go on as they are; the others are closed or opened', async () => {
    const { subject, assign, opened, running, events } = manager();
    await assign(1, '0_0', '0_1');
    await opened();
    await subject.suspend();
    expect(running()).toEqual([]);
    events.length = 0;
    await assign(2, '0_1', '0_2');
    expect(running()).toEqual(['0_1']);
    expect(events).toEqual(['closed 0_0', 'opening 0_2']);
  });

  test('start over when a generation was missed: somebody else may have had them', async () => {
    const { subject, assign, opened, running, events } = manager();
    await assign(1, '0_0');
    await opened();
    await subject.suspend();
    events.length = 0;
    await assign(3, '0_0');
    expect(running()).toEqual([]);
    expect(events).toEqual(['discarded 0_0', 'opening 0_0']);
  });

  test('start over when a source topic has brought them another partition to read', async () => {
    const { subject, assign, opened, events } = manager();
    await assign(1, '0_2');
    await opened();
    await subject.suspend();
    events.length = 0;
    const grown = { ...assigned('0_2'), partitions: [{ topic: 'grown', partition: 2 }] };
    await subject.assign([grown], member(2));
    expect(events).toEqual(['discarded 0_2', 'opening 0_2']);
  });

  test('start over as another member, even in the next generation', async () => {
    const { subject, assign, opened, events } = manager();
    await assign(1, '0_0');
    await opened();
    await subject.suspend();
    events.length = 0;
    await subject.assign([assigned('0_0')], member(2, 'other'));
    expect(events).toEqual(['discarded 0_0', 'opening 0_0']);
  });

  test('are dropped with everything uncommitted, and opened again on their storages', async () => {
    const { subject, assign, opened, events, running } = manager();
    await assign(1, '0_0', '0_1');
    await opened();
    events.length = 0;
    await subject.discard();
    subject.reopen();
    expect(events).toEqual(['discarded 0_0', 'discarded 0_1', 'opening 0_0,0_1']);
    await opened();
    expect(running()).toEqual(['0_0', '0_1']);
  });

  test('that are being opened are stopped before a rebalance', async () => {
    const { subject, assign, events } = manager();
    await assign(1, '0_0');
    await subject.suspend();
    expect(events).toEqual(['opening 0_0', 'stopped']);
    subject.throwIfFailed();
  });

  test('that could not be opened say why, once', async () => {
    const { subject, assign, failed } = manager();
    await assign(1, '0_0');
    await failed(new Error('no disk'));
    expect(subject.isComplete).toBe(false);
    expect(() => {
      subject.throwIfFailed();
    }).toThrow('no disk');
    subject.throwIfFailed();
  });

  test('are all closed when the group has given them away', async () => {
    const { subject, assign, opened, events } = manager();
    await assign(1, '0_0');
    await opened();
    await subject.release();
    expect(events.at(-1)).toBe('closed 0_0');
    expect(subject.assigned).toEqual([]);
    expect(subject.membership).toBeNull();
  });
});
