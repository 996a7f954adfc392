import { invariant } from '../common/errors.ts';
import { partitionKey } from '../common/topic-partition.ts';
import type { Counter } from '../observability/metrics.ts';
import { UNKNOWN_TIME_MS } from './offset-metadata.ts';
import type { RecordChunk } from './record-chunk.ts';
import type { RecordQueue } from './record-queue.ts';

/** Records between the fetch position of a partition and its end as last seen; undefined before the first answer. */
export type ConsumerLag = (topic: string, partition: number) => number | undefined;

export interface PartitionGroupOptions {
  /** `maxTaskIdleMs`: -1 never waits, 0 waits for what is known to be on the broker, more waits for what may come. */
  readonly maxIdleMs: number;
  readonly lag: ConsumerLag;
  readonly enforcedProcessing: Counter;
}

/**
 * The source partitions of one task, merged by timestamp: `next` picks the partition whose head has the lowest one.
 *
 * Where a partition is empty, a later record of another must not overtake what is still on its way. So the group is
 * ready only when each empty partition is known to have nothing on the broker, and has had nothing for `maxIdleMs`.
 *
 * Stream time is the highest timestamp given out. Source: KIP-353, KIP-695, `PartitionGroup`.
 */
export class PartitionGroup {
  /** -1 until it is known. */
  streamTimeMs = UNKNOWN_TIME_MS;

  readonly queues: readonly RecordQueue[];
  readonly #options: PartitionGroupOptions;
  readonly #byPartition: ReadonlyMap<string, RecordQueue>;
  /** Those with a head, but for the one just taken from: a heap by the head's time. */
  readonly #byTime: RecordQueue[] = [];
  /** Given out by `next`, not yet looked at for its next head. */
  #taken: RecordQueue | null = null;
  /** Got records while they were empty; nobody has looked at them. */
  #arrived: RecordQueue[] = [];
  readonly #idleSinceMs = new Map<RecordQueue, number>();

  constructor(queues: readonly RecordQueue[], options: PartitionGroupOptions) {
    this.queues = queues;
    this.#options = options;
    this.#byPartition = new Map(
      queues.map((queue) => [partitionKey(queue.topic, queue.partition), queue]),
    );
  }

  queue(topic: string, partition: number): RecordQueue | undefined {
    return this.#byPartition.get(partitionKey(topic, partition));
  }

  /**
   * Reads nothing yet: a record that cannot be read may become a dead letter, which must not get between the outputs of
   * another record that is being processed and may be taken back.
   */
  add(chunk: RecordChunk): void {
    const queue = this.queue(chunk.topic, chunk.partition);
    invariant(queue !== undefined, 'records of a partition that the task does not read', chunk);
    queue.add(chunk);
    const isListed =
      queue === this.#taken || this.#byTime.includes(queue) || this.#arrived.includes(queue);
    if (!isListed) this.#arrived.push(queue);
  }

  /** How many partitions have a record. While this does not change, neither does `isReady`, until something is fetched. */
  get listed(): number {
    this.#relist();
    return this.#byTime.length;
  }

  /** Whether `next` would give out a record that may be processed now. */
  isReady(nowMs: number): boolean {
    const { listed } = this;
    if (listed === 0 || listed === this.queues.length) return listed > 0;
    if (this.#options.maxIdleMs === -1) return true;
    // All of them are asked, since each has a clock of its own that starts now.
    const waiting = this.queues.filter((queue) => !this.#mayBePassed(queue, nowMs));
    if (waiting.length > 0) return false;
    this.#options.enforcedProcessing.add(1);
    return true;
  }

  /** The time of the next record; undefined where there is none. */
  get headTimestampMs(): number | undefined {
    this.#relist();
    return this.#byTime[0]?.headTimestampMs;
  }

  /** The partition to process a record of; the caller takes exactly one from it. */
  next(): RecordQueue | null {
    this.#relist();
    const queue = this.#removeFirst();
    if (queue === null) return null;
    this.#taken = queue;
    if (queue.headTimestampMs > this.streamTimeMs) this.streamTimeMs = queue.headTimestampMs;
    return queue;
  }

  /** Looks at what was in the queues anew; the caller has reset them. */
  reset(streamTimeMs: number): void {
    this.#byTime.length = 0;
    this.#taken = null;
    this.#arrived = [];
    this.#idleSinceMs.clear();
    this.streamTimeMs = streamTimeMs;
  }

  #mayBePassed(queue: RecordQueue, nowMs: number): boolean {
    if (this.#byTime.includes(queue)) return true;
    const lag = this.#options.lag(queue.topic, queue.partition);
    if (lag === undefined || lag > 0) {
      this.#idleSinceMs.delete(queue);
      return false;
    }
    const sinceMs = this.#idleSinceMs.get(queue) ?? nowMs;
    this.#idleSinceMs.set(queue, sinceMs);
    return nowMs - sinceMs >= this.#options.maxIdleMs;
  }

  /**
   * Only now, not when its record was taken: until that record is done, the queue stays on it, so that its raw bytes can
   * be looked up without keeping them for every record.
   */
  #relist(): void {
    while (this.#arrived.length > 0) {
      const arrived = this.#arrived.shift();
      if (arrived?.advance() === true) this.#insert(arrived);
    }
    const queue = this.#taken;
    if (queue === null) return;
    this.#taken = null;
    if (queue.advance()) this.#insert(queue);
  }

  // A binary heap. Among equal times the order is that of Java's PriorityQueue after the same calls, so that the test
  // driver gives what Kafka Streams' gives.

  #insert(queue: RecordQueue): void {
    if (this.#idleSinceMs.size > 0) this.#idleSinceMs.delete(queue);
    const heap = this.#byTime;
    let at = heap.length;
    heap.push(queue);
    while (at > 0) {
      const parentAt = (at - 1) >>> 1;
      const parent = heap[parentAt] as RecordQueue;
      if (queue.headTimestampMs >= parent.headTimestampMs) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = queue;
  }

  #removeFirst(): RecordQueue | null {
    const heap = this.#byTime;
    const first = heap[0];
    const moved = heap.pop();
    if (first === undefined || moved === undefined) return null;
    const { length } = heap;
    if (length === 0) return first;
    let at = 0;
    while (at < length >>> 1) {
      let childAt = 2 * at + 1;
      let child = heap[childAt] as RecordQueue;
      const right = heap[childAt + 1];
      if (right !== undefined && right.headTimestampMs < child.headTimestampMs) {
        child = right;
        childAt++;
      }
      if (moved.headTimestampMs <= child.headTimestampMs) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = moved;
    return first;
  }
}
