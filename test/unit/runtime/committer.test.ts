import { systemTimers } from '../../../src/adapters/node/clock.ts';
import { NO_FAILPOINTS, type Failpoints } from '../../../src/common/failpoints.ts';
import { TaskId } from '../../../src/common/task-id.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import {
  Committer,
  PlainCommit,
  TransactionalCommit,
  type CommittableTask,
  type OpenTask,
} from '../../../src/runtime/committer.ts';
import type { ChangelogPosition, TaskStorage } from '../../../src/state/task-storage.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MEMBERSHIP = { groupId: 'app', memberId: 'm', generationId: 3, groupInstanceId: null };
const EXPIRED = { from: new Uint8Array([1]), to: new Uint8Array([2]) };
const CHANGELOG = {
  topic: 'app-counts-changelog',
  partition: 0,
  topicId: 'aa',
  end: 4,
  isSource: false,
};
/** Of a table that has its source topic for a changelog. */
const SOURCE = { topic: 'in0', partition: 0, topicId: 'bb', end: 4, isSource: true };

interface Options {
  readonly guarantee?: 'exactly once' | 'at least once';
  readonly failAt?: string;
  readonly acked?: number;
  readonly idle?: readonly string[];
  readonly pending?: Promise<void>;
  /** What an async processor of 1_0 is at work on already. */
  readonly atWork?: Promise<void>;
  /** Notes the failpoints among the steps. */
  readonly noteFailpoints?: boolean;
}

/** Two tasks over one producer; every step notes its name, and fails where it is told to. */
function thread(options: Options = {}) {
  const { guarantee = 'exactly once', failAt, acked, idle = [], pending, atWork } = options;
  const { noteFailpoints = false } = options;
  const clock = new ManualClock();
  const steps: string[] = [];
  const step = (name: string): Promise<void> => {
    steps.push(name);
    return name === failAt ? Promise.reject(new Error(name)) : Promise.resolve();
  };
  const failpoints: Failpoints = noteFailpoints
    ? { pass: (point) => steps.push(point) }
    : NO_FAILPOINTS;
  const producer = {
    inTransaction: idle.length < 2,
    flush: () => step('flush'),
    ackedOffset: () => acked,
    sendOffsets: (offsets: readonly { topic: string; offset: number }[]) =>
      step(`offsets ${offsets.map(({ topic, offset }) => `${topic}@${offset}`).join(' ')}`),
    commitTransaction: () => step('end'),
  };
  const positions = new Map<string, ChangelogPosition>();
  const open = (subtopology: number): OpenTask => {
    const id = new TaskId(subtopology, 0);
    let waiting: Promise<void> | null = null;
    const wait = (work: Promise<void>): void => {
      waiting = work.then(() => {
        waiting = null;
        steps.push('settled');
      });
    };
    if (atWork !== undefined && subtopology === 1) wait(atWork);
    const task: CommittableTask = {
      id,
      commitNeeded: !idle.includes(id.toString()),
      get pending() {
        return waiting;
      },
      prepareCommit: () => {
        const isFirst = !steps.includes(`caches ${id.toString()}`);
        steps.push(`caches ${id.toString()}`);
        if (pending === undefined || !isFirst) return;
        wait(pending);
      },
      committableOffsets: () => [
        { topic: `in${subtopology}`, partition: 0, offset: 7, metadata: '' },
      ],
      seal: (given) => ({ entries: [], positions: given }),
      postCommit: () => {
        steps.push(`written ${id.toString()}`);
        return subtopology === 0 ? [EXPIRED] : [];
      },
    };
    const storage: Pick<TaskStorage, 'position' | 'write' | 'clear'> = {
      clear: () => step('clear'),
      position: (topic) => positions.get(topic),
      write: async (changes) => {
        await step(`store ${id.toString()}`);
        for (const [topic, position] of changes.positions) positions.set(topic, position);
      },
    };
    // Only these methods are called by a commit.
    return {
      task,
      storage: storage as TaskStorage,
      changelogs: subtopology === 0 ? [CHANGELOG, SOURCE] : [],
    };
  };
  const committer = new Committer({
    producer,
    offsetCommit:
      guarantee === 'exactly once'
        ? new TransactionalCommit(producer, failpoints)
        : new PlainCommit((offsets) => step(`plain ${offsets.length}`)),
    pendingTimeoutMs: 50,
    clock,
    timers: systemTimers,
    failpoints,
    metrics: new MetricsRegistry(),
    tags: {},
  });
  const tasks = [open(0), open(1)];
  return {
    committer,
    tasks,
    steps,
    positions,
    clock,
    commit: () => committer.commit(tasks, MEMBERSHIP),
  };
}

describe('commit', () => {
  test('has a failpoint between any two steps that a crash can part', async () => {
    const { commit, steps } = thread({ noteFailpoints: true });
    await commit();
    expect(steps.filter((step) => !/^(caches|written|clear)/.test(step))).toEqual([
      'flush',
      'produce.acked',
      'offsets.before',
      'offsets in0@7 in1@7',
      'endtxn.before',
      'end',
      'store.before',
      'store 0_0',
      'store 1_0',
      'store.after',
    ]);
  });

  test('caches, acks, offsets, end of transaction, stores: in this order', async () => {
    const { commit, steps } = thread();
    const offsets = await commit();
    expect(steps).toEqual([
      'caches 0_0',
      'caches 1_0',
      'flush',
      'offsets in0@7 in1@7',
      'end',
      'store 0_0',
      'store 1_0',
      'written 0_0',
      'clear',
      'written 1_0',
    ]);
    expect(offsets.map(({ topic }) => topic)).toEqual(['in0', 'in1']);
  });

  test('no cache is flushed while a task is at work: its outputs may still be taken back', async () => {
    const { commit, steps } = thread({ atWork: new Promise(setImmediate) });
    await commit();
    expect(steps.slice(0, 3)).toEqual(['settled', 'caches 0_0', 'caches 1_0']);
  });

  test.each(['flush', 'offsets in0@7 in1@7', 'end'])(
    'no store is written when %s fails',
    async (failAt) => {
      const { commit, steps, positions } = thread({ failAt });
      await expect(commit()).rejects.toThrow(failAt);
      expect(steps.at(-1)).toBe(failAt);
      expect(positions.size).toBe(0);
    },
  );

  test('a store that cannot be written fails the commit only when the other stores are', async () => {
    const { commit, steps } = thread({ failAt: 'store 0_0' });
    await expect(commit()).rejects.toThrow('store 0_0');
    expect(steps).toContain('written 1_0');
    expect(steps).not.toContain('written 0_0');
  });

  test('at least once commits offsets after the acks and before the stores', async () => {
    const { commit, steps } = thread({ guarantee: 'at least once' });
    await commit();
    expect(steps.slice(2, 5)).toEqual(['flush', 'plain 2', 'store 0_0']);
  });

  test('what has expired is cleared beside the next transaction, and a failure of that is not lost', async () => {
    const { commit, steps } = thread({ failAt: 'clear' });
    await commit();
    await expect(commit()).rejects.toThrow('clear');
    expect(steps.lastIndexOf('end')).toBeGreaterThan(steps.lastIndexOf('clear'));
    expect(steps.filter((step) => step === 'store 0_0')).toHaveLength(1);
  });

  test('a task that did nothing sends no offset; when none did anything nothing is sent', async () => {
    const some = thread({ idle: ['1_0'] });
    await some.commit();
    expect(some.steps).toContain('offsets in0@7');
    const none = thread({ idle: ['0_0', '1_0'] });
    expect(await none.commit()).toEqual([]);
    expect(none.steps).toEqual(['caches 0_0', 'caches 1_0']);
  });

  test('a position is behind the last acknowledged changelog record, and never goes back', async () => {
    const { commit, positions, clock } = thread({ acked: 41 });
    await commit();
    const position = { topicId: 'aa', offset: 42, wallTimeMs: clock.nowMs() };
    expect(positions.get(CHANGELOG.topic)).toEqual(position);

    positions.set(CHANGELOG.topic, { ...position, offset: 50 });
    await commit();
    expect(positions.get(CHANGELOG.topic)?.offset).toBe(50);
  });

  test('the position in a source topic that is a changelog is the committed offset', async () => {
    const { commit, positions, clock } = thread({ acked: 41 });
    await commit();
    expect(positions.get('in0')).toEqual({
      topicId: 'bb',
      offset: 7,
      wallTimeMs: clock.nowMs(),
    });
  });

  test('a changelog nothing was written to stays where it ended when the task began', async () => {
    const { commit, positions } = thread();
    await commit();
    expect(positions.get(CHANGELOG.topic)?.offset).toBe(4);
  });

  test('the commit waits for what the caches started, and lets go what that brought', async () => {
    const { commit, steps } = thread({ pending: Promise.resolve() });
    await commit();
    expect(steps.slice(0, 7)).toEqual([
      ...['caches 0_0', 'settled', 'caches 0_0'],
      ...['caches 1_0', 'settled', 'caches 1_0', 'flush'],
    ]);
  });

  test('and fails where that never settles', async () => {
    const { commit, steps } = thread({ pending: new Promise<void>(() => undefined) });
    await expect(commit()).rejects.toMatchObject({
      code: 'STREAMS_PROCESSING',
      site: { taskId: '0_0' },
    });
    expect(steps).not.toContain('flush');
  });
});

describe('positions of a task without work', () => {
  test('are written again before they look too old, and only then', async () => {
    const { committer, tasks, positions, clock } = thread({ idle: ['0_0', '1_0'] });
    const position = { topicId: 'aa', offset: 9, wallTimeMs: clock.nowMs() };
    positions.set(CHANGELOG.topic, position);
    clock.advance(3_599_999);
    await committer.refreshPositions(tasks);
    expect(positions.get(CHANGELOG.topic)).toEqual(position);
    clock.advance(1);
    await committer.refreshPositions(tasks);
    expect(positions.get(CHANGELOG.topic)).toEqual({ ...position, wallTimeMs: clock.nowMs() });
  });

  test('are left alone while the task has something uncommitted', async () => {
    const { committer, tasks, steps, clock, positions } = thread();
    positions.set(CHANGELOG.topic, { topicId: 'aa', offset: 9, wallTimeMs: 0 });
    clock.advance(9_999_999);
    await committer.refreshPositions(tasks);
    expect(steps).toEqual([]);
  });
});
