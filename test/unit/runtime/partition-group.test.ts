import fc from 'fast-check';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { PartitionGroup } from '../../../src/runtime/partition-group.ts';
import { RecordQueue } from '../../../src/runtime/record-queue.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { memoryChunk, MemoryRecordCursor } from '../../../src/testing/memory-records.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { eraseSerde } from '../../../src/topology/erase.ts';
import { bytesOf } from '../../support/task-harness.ts';

class Group {
  readonly metrics = new MetricsRegistry();
  readonly group: PartitionGroup;
  readonly lags = new Map<number, number | undefined>();
  readonly #next: number[] = [];

  constructor(partitions: number, maxIdleMs = 0) {
    const counter = this.metrics.counter('records-consumed-total');
    const serde = eraseSerde(serdes.string);
    if (serde === null) throw new Error('erasing keeps a serde');
    const queues = Array.from({ length: partitions }, (_, partition) => {
      this.lags.set(partition, 0);
      return new RecordQueue({
        topic: 'in',
        partition,
        source: { name: 'source', children: [] },
        clock: new VirtualClock(0),
        key: serde,
        value: serde,
        timestampExtractor: null,
        cursor: new MemoryRecordCursor(),
        listener: { undecodable: () => undefined, dropped: () => undefined },
        consumedRecords: counter,
        futureRecords: this.metrics.counter('future-records-total'),
      });
    });
    this.group = new PartitionGroup(queues, {
      maxIdleMs,
      lag: (_, partition) => this.lags.get(partition),
      enforcedProcessing: this.metrics.counter('enforced-processing-total'),
    });
  }

  add(partition: number, ...timestamps: number[]): this {
    const first = this.#next[partition] ?? 0;
    this.#next[partition] = first + timestamps.length;
    const records = timestamps.map((timestampMs, i) => ({
      ...bytesOf(`k=v@${timestampMs}`),
      offset: first + i,
      headers: [],
    }));
    this.group.add(memoryChunk('in', partition, records));
    return this;
  }

  /** `partition@timestamp` of everything, as `next` gives it. */
  drain(): string[] {
    const taken: string[] = [];
    for (let queue = this.group.next(); queue !== null; queue = this.group.next()) {
      taken.push(`${queue.partition}@${queue.take().timestampMs}`);
    }
    return taken;
  }
}

describe('partition group', () => {
  test('takes the partition whose head has the lowest timestamp', () => {
    const drained = new Group(3).add(0, 5, 9).add(1, 7).add(2, 6, 8).drain();
    expect(drained).toEqual(['0@5', '2@6', '1@7', '2@8', '0@9']);
  });

  test('keeps the records of one partition in their order, late or not', () => {
    const drained = new Group(2).add(0, 9, 1, 2).add(1, 5).drain();
    expect(drained).toEqual(['1@5', '0@9', '0@1', '0@2']);
  });

  test('stream time is the highest timestamp given out, and never goes back', () => {
    const { group } = new Group(1).add(0, 5, 3);
    expect(group.streamTimeMs).toBe(-1);
    group.next()?.take();
    expect(group.streamTimeMs).toBe(5);
    group.next()?.take();
    expect(group.streamTimeMs).toBe(5);
  });

  test('every record comes once, each time the lowest head, however chunks and processing mix', () => {
    const step = fc.record({
      partition: fc.nat(3),
      timestamps: fc.array(fc.nat(20), { maxLength: 4 }),
      take: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const groupOf = new Group(4);
        const waiting: number[][] = [[], [], [], []];
        const takeOne = (): void => {
          const queue = groupOf.group.next();
          const lowest = Math.min(...waiting.map((queued) => queued[0] ?? Infinity));
          expect(queue === null ? Infinity : queue.take().timestampMs).toBe(lowest);
          if (queue !== null) waiting[queue.partition]?.shift();
        };
        for (const { partition, timestamps, take } of steps) {
          groupOf.add(partition, ...timestamps);
          waiting[partition]?.push(...timestamps);
          for (let i = 0; i < take; i++) takeOne();
        }
        while (waiting.some((queued) => queued.length > 0)) takeOne();
        expect(groupOf.group.next()).toBeNull();
      }),
    );
  });

  describe('is ready', () => {
    test('with a record in each partition, and not without any', () => {
      const all = new Group(2, 1_000);
      expect(all.group.isReady(0)).toBe(false);
      expect(all.add(0, 1).add(1, 1).group.isReady(0)).toBe(true);
    });

    test('never while an empty partition is known to have records on the broker, or nobody knows', () => {
      const group = new Group(2).add(0, 1);
      for (const lag of [undefined, 1]) {
        group.lags.set(1, lag);
        expect(group.group.isReady(1_000_000)).toBe(false);
      }
    });

    test('at once where the empty partition has nothing and nothing is to be waited for', () => {
      const group = new Group(2, 0).add(0, 1);
      expect(group.group.isReady(0)).toBe(true);
    });

    test('once an empty partition has been known to be empty for the idle time', () => {
      const { group } = new Group(2, 100).add(0, 1);
      expect(group.isReady(50)).toBe(false);
      expect(group.isReady(149)).toBe(false);
      expect(group.isReady(150)).toBe(true);
    });

    test('the idle time begins anew when records were seen on the broker in between', () => {
      const group = new Group(2, 100).add(0, 1);
      expect(group.group.isReady(0)).toBe(false);
      group.lags.set(1, 1);
      expect(group.group.isReady(90)).toBe(false);
      group.lags.set(1, 0);
      expect(group.group.isReady(100)).toBe(false);
      expect(group.group.isReady(200)).toBe(true);
    });

    test('the idle time begins anew when the partition had records in between', () => {
      const group = new Group(2, 100).add(0, 1, 5, 6);
      expect(group.group.isReady(0)).toBe(false);
      group.add(1, 0);
      expect(group.group.isReady(50)).toBe(true);
      group.group.next()?.take();
      expect(group.group.isReady(100)).toBe(false);
      expect(group.group.isReady(199)).toBe(false);
      expect(group.group.isReady(200)).toBe(true);
    });

    test('whatever is missing, where it is told not to wait', () => {
      const group = new Group(2, -1).add(0, 1);
      group.lags.set(1, undefined);
      expect(group.group.isReady(0)).toBe(true);
    });

    test('processing without every partition is counted', () => {
      const group = new Group(2, 0).add(0, 1);
      group.group.isReady(0);
      expect(group.metrics.counter('enforced-processing-total').value).toBe(1);
    });
  });
});
