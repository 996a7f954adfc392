import { systemClock, systemTimers } from '../../../src/adapters/node/clock.ts';
import { StreamsError } from '../../../src/common/errors.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { StreamThread, type StreamThreadOptions } from '../../../src/runtime/stream-thread.ts';
import { WakeUp } from '../../../src/runtime/wake-up.ts';

interface FakeTask {
  readonly pending?: Promise<void>;
  readonly isStaging?: boolean;
  readonly process?: () => number;
}

const MEMBERSHIP = { groupId: 'app', memberId: 'm', generationId: 1, groupInstanceId: null };

/** A thread over tasks that are already running; all it talks to answers at once. */
function threadOf(tasks: readonly FakeTask[], overrides: Partial<StreamThreadOptions> = {}) {
  const nothing = (): Promise<void> => Promise.resolve();
  const member = {
    rejoinNeeded: false,
    // A later one than that of the tasks.
    membership: { ...MEMBERSHIP, generationId: 2 },
    poll: nothing,
    close: nothing,
    onRejoinNeeded: () => undefined,
  };
  const running = tasks.map((task) => ({
    task: {
      id: { toString: () => 'task' },
      pending: null,
      isStaging: false,
      process: () => 0,
      punctuate: () => false,
      nextPunctuationMs: null,
      commitNeeded: false,
      uncommittedBytes: 0,
      ...task,
    },
  }));
  // Only these methods are called by the loop.
  const options = {
    config: {
      commitIntervalMs: 60_000,
      statestoreUncommittedMaxBytes: 1,
      sliceMs: 5,
      taskTimeoutMs: 60_000,
      sessionTimeoutMs: 60_000,
      groupInstanceId: null,
    },
    producer: {
      initTransactions: nothing,
      poke: () => undefined,
      isFull: false,
      inTransaction: false,
    },
    createMember: () => member,
    input: { readFor: () => undefined, take: () => false, resume: () => undefined },
    tasks: {
      running,
      membership: MEMBERSHIP,
      isSuspended: false,
      isComplete: true,
      throwIfFailed: () => undefined,
      reopen: () => undefined,
      release: nothing,
      discard: nothing,
    },
    committer: { commit: () => Promise.resolve([]) },
    purge: { maybePurge: () => undefined, settled: nothing },
    sources: { takeChange: () => null },
    failures: { failed: () => 1, progress: () => undefined },
    wakeUp: new WakeUp(systemTimers),
    onRunning: () => undefined,
    onUncaught: () => 'replaceThread',
    clock: systemClock,
    timers: systemTimers,
    logger: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
    tags: {},
    ...overrides,
  } as never as StreamThreadOptions;
  return new StreamThread(options);
}

describe('a stream thread', () => {
  test('lets no other task write while one may still take back what it wrote', async () => {
    const turns: string[] = [];
    const wakeUp = new WakeUp(systemTimers);
    const busy = { pending: new Promise<void>(() => undefined), isStaging: true };
    const thread: StreamThread = threadOf(
      [
        busy,
        {
          process: () => {
            turns.push('processed');
            return 0;
          },
        },
      ],
      {
        wakeUp: {
          wake: wakeUp.wake,
          sleep: () => {
            thread.stop();
            return Promise.resolve();
          },
        } as never, // all that is called of it
      },
    );
    await thread.run();
    expect(turns).toEqual([]);
  });

  test('commits under the membership that its tasks were given with, whatever the member is by now', async () => {
    const given: unknown[] = [];
    const wakeUp = new WakeUp(systemTimers);
    const thread: StreamThread = threadOf([], {
      wakeUp: {
        wake: wakeUp.wake,
        sleep: () => {
          thread.stop();
          return Promise.resolve();
        },
      } as never, // all that is called of it
      committer: {
        commit: (_: unknown, membership: unknown) => {
          given.push(membership);
          return Promise.resolve([]);
        },
      } as never, // all that is called of it
    });
    await thread.run();
    expect(given).toEqual([MEMBERSHIP]);
  });

  test('that failed to commit drops everything, takes a new epoch, and only then opens its tasks again', async () => {
    const steps: string[] = [];
    const note =
      (step: string): (() => Promise<void>) =>
      () => {
        steps.push(step);
        return Promise.resolve();
      };
    const thread: StreamThread = threadOf([], {
      config: {
        commitIntervalMs: 0,
        statestoreUncommittedMaxBytes: 1,
        sliceMs: 5,
        taskTimeoutMs: 60_000,
        sessionTimeoutMs: 60_000,
        groupInstanceId: null,
      },
      producer: {
        initTransactions: note('init'),
        abortTransaction: note('abort'),
        poke: () => undefined,
        isFull: false,
        inTransaction: true,
      } as never, // all that is called of it
      tasks: {
        running: [
          {
            task: {
              id: { toString: () => 'task' },
              pending: null,
              isStaging: false,
              process: () => 0,
              punctuate: () => false,
              nextPunctuationMs: null,
              commitNeeded: true,
              uncommittedBytes: 0,
              committableOffsets: () => [{ topic: 'in', partition: 0, offset: 5, metadata: '' }],
            },
          },
        ],
        membership: MEMBERSHIP,
        isSuspended: false,
        isComplete: true,
        throwIfFailed: () => undefined,
        reopen: () => {
          steps.push('reopen');
          if (steps.length > 3) thread.stop();
        },
        release: note('release'),
        discard: note('discard'),
      } as never, // all that is called of it
      committer: {
        commit: () => {
          steps.push('commit');
          return steps.length > 4
            ? Promise.resolve([])
            : Promise.reject(new StreamsError('STREAMS_COMMIT_OUTCOME_UNKNOWN', 'no answer'));
        },
      } as never, // all that is called of it
      purge: {
        maybePurge: () => undefined,
        settled: () => Promise.resolve(),
        committed: (offsets: readonly unknown[]) => {
          if (offsets.length > 0) steps.push('purge');
        },
      } as never, // all that is called of it
    });
    await thread.run();
    expect(steps.slice(0, 7)).toEqual([
      'init',
      'reopen',
      'commit',
      'discard',
      'abort',
      'init',
      'reopen',
    ]);
    expect(steps).not.toContain('purge');
  });

  test('that is stopped before it could start over has nothing to commit', async () => {
    let commits = 0;
    const thread: StreamThread = threadOf(
      [
        {
          process: () => {
            throw new StreamsError('STREAMS_CLIENT', 'no broker answers');
          },
        },
      ],
      {
        wakeUp: {
          wake: () => undefined,
          sleep: () => {
            thread.stop();
            return Promise.resolve();
          },
        } as never, // all that is called of it
        committer: {
          commit: () => {
            commits++;
            return Promise.resolve([]);
          },
        } as never, // likewise
      },
    );
    await thread.run();
    expect(commits).toBe(0);
  });

  test('waits as long as it has to before it starts over, whatever wakes it', async () => {
    const triesMs: number[] = [];
    const wakeUp = new WakeUp(systemTimers);
    const thread: StreamThread = threadOf(
      [
        {
          process: () => {
            triesMs.push(systemClock.monotonicMs());
            if (triesMs.length === 2) thread.stop();
            wakeUp.wake(); // something was fetched
            throw new StreamsError('STREAMS_CLIENT', 'no broker answers');
          },
        },
      ],
      { wakeUp, failures: { failed: () => 50 } as never }, // all that is asked of it
    );
    await expect(thread.run()).rejects.toThrow('no broker answers');
    expect(Number(triesMs[1]) - Number(triesMs[0])).toBeGreaterThanOrEqual(49);
  });

  test('that asks all instances to stop stays in the group until the others have heard it and left', async () => {
    const steps: string[] = [];
    // One member has not fetched its answer; then it joins again, is told, and leaves.
    const states = [
      { count: 1, areJoining: false },
      { count: 1, areJoining: true },
      { count: 1, areJoining: false },
      { count: 0, areJoining: true },
    ];
    const failure = new StreamsError('STREAMS_PROCESSING', 'it failed');
    const thread = threadOf(
      [
        {
          process: () => {
            throw failure;
          },
        },
      ],
      {
        onUncaught: () => 'shutdownApplication',
        requestShutdown: () => steps.push('ask'),
        createMember: () =>
          ({
            rejoinNeeded: false,
            membership: MEMBERSHIP,
            requestRejoin: () => undefined,
            onRejoinNeeded: () => undefined,
            poll: () => {
              if (steps.length === 0) return Promise.resolve();
              steps.push('join');
              return Promise.reject(new StreamsError('STREAMS_STOPPED', 'it failed'));
            },
          }) as never, // all that is called of it
        describeOthers: () => {
          const [state = { count: 0, areJoining: false }] = states.splice(0, 1);
          steps.push(`${state.count} other`);
          return Promise.resolve(state);
        },
      },
    );
    await expect(thread.run()).rejects.toBe(failure);
    expect(steps).toEqual(['ask', 'join', '1 other', '1 other', 'join', '1 other', '0 other']);
  });
});
