import type { FetchedPartition } from '../../../src/client/fetch-partition.ts';
import { StreamsError } from '../../../src/common/errors.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { InputReader } from '../../../src/runtime/input-reader.ts';
import type { RunningTask } from '../../../src/runtime/task-opener.ts';

/** A fetcher of topic `in` that hands out what it is given, and a reader that lets two records wait in a task. */
function reader() {
  const positions = new Map<number, number>();
  const paused = new Set<number>();
  const queued: FetchedPartition[] = [];
  const assigned: string[] = [];
  let failure: StreamsError | null = null;
  const subject = new InputReader({
    fetcher: {
      assign: (partitions) => {
        positions.clear();
        paused.clear();
        for (const { partition, offset } of partitions) positions.set(partition, offset);
        assigned.push(partitions.map(({ partition, offset }) => `${partition}@${offset}`).join());
      },
      position: (_, partition) => positions.get(partition),
      lag: () => 5,
      pause: (partitions) => {
        for (const { partition } of partitions) paused.add(partition);
      },
      resume: (partitions) => {
        for (const { partition } of partitions) paused.delete(partition);
      },
      tryPoll: () => {
        if (failure !== null) throw failure;
        return queued.splice(0);
      },
    },
    maxBufferedRecords: 2,
    topicId: () => undefined,
    metrics: new MetricsRegistry(),
    tags: {},
  });
  return {
    subject,
    paused,
    assigned,
    fail: (error: StreamsError) => {
      failure = error;
    },
    fetch: (partition: number, recordCount: number) => {
      const startOffset = positions.get(partition) ?? 0;
      const nextOffset = startOffset + recordCount;
      positions.set(partition, nextOffset);
      // A reader hands chunks on; what is in them only the task looks at.
      queued.push({ topic: 'in', partition, startOffset, nextOffset, recordCount } as never);
    },
  };
}

/** A task that reads one partition of `in` and keeps count of what waits in it. */
function task(partition: number, offset: number, committed = true) {
  const state = { waiting: 0 };
  const running = {
    task: {
      addChunk: ({ recordCount }: FetchedPartition) => {
        state.waiting += recordCount;
      },
      bufferedRecords: () => state.waiting,
    },
    start: [{ topic: 'in', partition, offset, metadata: '', committed }],
  } as never as RunningTask; // the reader uses nothing else of it
  return { state, running };
}

describe('input', () => {
  test('of a task that has enough is not fetched until there is room', () => {
    const { subject, fetch, paused } = reader();
    const { running, state } = task(0, 0);
    subject.readFor([running]);
    fetch(0, 2);
    expect(subject.take()).toBe(true);
    expect([...paused]).toEqual([]);
    fetch(0, 1);
    subject.take();
    expect([...paused]).toEqual([0]);
    subject.resume();
    expect([...paused]).toEqual([0]);
    state.waiting = 2;
    subject.resume();
    expect([...paused]).toEqual([]);
    expect(subject.take()).toBe(false);
  });

  test('stays paused through a rebalance for a task that still has enough', () => {
    const { subject, fetch, paused } = reader();
    const [zero, one] = [task(0, 0), task(1, 0)];
    subject.readFor([zero.running]);
    fetch(0, 3);
    subject.take();
    subject.readFor([zero.running, one.running]);
    expect([...paused]).toEqual([0]);
  });

  test('goes on where it was for a task that stays, and begins where a new one says', () => {
    const { subject, fetch, assigned } = reader();
    const zero = task(0, 10);
    subject.readFor([zero.running]);
    fetch(0, 5);
    subject.take();
    subject.readFor([zero.running, task(1, 7).running]);
    subject.readFor([task(0, 10).running]); // the same task, opened anew
    expect(assigned).toEqual(['0@10', '0@15,1@7', '0@10']);
  });

  test('of a partition without an owner is dropped', () => {
    const { subject, fetch } = reader();
    const { running, state } = task(0, 0);
    subject.readFor([running]);
    fetch(1, 3);
    subject.take();
    expect(state.waiting).toBe(0);
  });

  test('that begins later than it did is looked up again only where nothing was ever committed', () => {
    const site = { topic: 'in', partition: 0, offset: 3 };
    const error = new StreamsError('STREAMS_OFFSET_OUT_OF_RANGE', 'gone', { site });
    const codeAfter = (running: RunningTask): unknown => {
      const { subject, fail } = reader();
      subject.readFor([running]);
      fail(error);
      try {
        return subject.take();
      } catch (thrown) {
        return (thrown as StreamsError).code;
      }
    };
    expect(codeAfter(task(0, 3, false).running)).toBe('STREAMS_TASK_CORRUPTED');
    expect(codeAfter(task(0, 3, true).running)).toBe('STREAMS_OFFSET_OUT_OF_RANGE');
    expect(codeAfter(task(0, 1, false).running)).toBe('STREAMS_OFFSET_OUT_OF_RANGE');
  });
});
