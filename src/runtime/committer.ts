import type { PartitionOffset } from '../client/committed-offsets.ts';
import type { Membership } from '../client/group-member.ts';
import type { Clock, Timers } from '../common/clock.ts';
import { invariant, StreamsError } from '../common/errors.ts';
import type { Failpoints } from '../common/failpoints.ts';
import type { TaskId } from '../common/task-id.ts';
import type { Counter, Histogram, Metrics, MetricTags } from '../observability/metrics.ts';
import type {
  ChangelogPosition,
  CommittedChanges,
  StorageRange,
  TaskStorage,
} from '../state/task-storage.ts';
import { settleAll } from './settle-all.ts';

/** A changelog partition of a task that runs, and which topic it is. */
export interface TaskChangelog {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  /** Where it ended when the store was complete: everything below is in the storage. */
  readonly end: number;
  /** It is one of the task's source topics: the store is as far as the committed offset, and nothing is written. */
  readonly isSource: boolean;
}

/** What a commit asks of a task. `StreamTask` is one. */
export interface CommittableTask {
  readonly id: TaskId;
  /** It has read, written or punctuated since its last commit. */
  readonly commitNeeded: boolean;
  /** An async processor that has not settled; no commit until it has. */
  readonly pending: Promise<void> | null;
  /** Lets the record caches go: they forward and log. May leave something pending, and more to let go after that. */
  prepareCommit(): void;
  committableOffsets(): readonly PartitionOffset[];
  seal(positions: ReadonlyMap<string, ChangelogPosition>): CommittedChanges;
  /** The storage has what was sealed. Returns what no read can show any more. */
  postCommit(): readonly StorageRange[];
}

/** A task that runs here, with what its thread keeps beside it. */
export interface OpenTask {
  readonly task: CommittableTask;
  readonly storage: TaskStorage;
  readonly changelogs: readonly TaskChangelog[];
}

/** The producer's side of a commit. `client/Producer` is one. */
export interface CommittingProducer {
  readonly inTransaction: boolean;
  flush(): Promise<void>;
  ackedOffset(topic: string, partition: number): number | undefined;
  sendOffsets(offsets: readonly PartitionOffset[], membership: Membership): Promise<void>;
  commitTransaction(): Promise<void>;
}

/** Makes the offsets of a commit, and everything produced before them, definite. */
export interface OffsetCommit {
  /** True where outputs and offsets are one transaction. */
  readonly transactional: boolean;
  commit(offsets: readonly PartitionOffset[], membership: Membership): Promise<void>;
}

/** T5 and T6: the transaction gets the offsets, then ends. The broker refuses both from a member of the past. */
export class TransactionalCommit implements OffsetCommit {
  readonly transactional = true;
  readonly #producer: CommittingProducer;
  readonly #failpoints: Failpoints;

  constructor(producer: CommittingProducer, failpoints: Failpoints) {
    this.#producer = producer;
    this.#failpoints = failpoints;
  }

  async commit(offsets: readonly PartitionOffset[], membership: Membership): Promise<void> {
    await this.#producer.sendOffsets(offsets, membership); // T5
    this.#failpoints.pass('endtxn.before');
    await this.#producer.commitTransaction(); // T6
  }
}

/** At least once: outputs are acknowledged, then offsets are committed. A crash in between repeats. */
export class PlainCommit implements OffsetCommit {
  readonly transactional = false;
  readonly #commitOffsets: OffsetCommit['commit'];

  constructor(commitOffsets: OffsetCommit['commit']) {
    this.#commitOffsets = commitOffsets;
  }

  commit(offsets: readonly PartitionOffset[], membership: Membership): Promise<void> {
    return this.#commitOffsets(offsets, membership);
  }
}

export interface CommitterOptions {
  readonly producer: CommittingProducer;
  readonly offsetCommit: OffsetCommit;
  /** How long a commit waits for an async processor that has not settled. */
  readonly pendingTimeoutMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly failpoints: Failpoints;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

/** How long a position may stay as it is on disk before it is written again, only to say that it is still right. */
const POSITION_REFRESH_MS = 3_600_000;

/**
 * The commit of one stream thread: all of its tasks together, steps T3 to T8 of docs/adr/0005-commit-protocol.md.
 *
 * It returns the offsets that are definitely committed; any error leaves the outcome to the caller's F path, with the
 * stores as they were at the last commit. A task is not processed from the first step to the last.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #commits: Counter;
  readonly #latencyMs: Histogram;
  /** Of what the last commit has passed: goes on beside the next transaction. */
  #clearing: Promise<void> = Promise.resolve();

  constructor(options: CommitterOptions) {
    const { metrics, tags } = options;
    this.#options = options;
    this.#commits = metrics.counter('commit-total', tags);
    this.#latencyMs = metrics.histogram('commit-latency-ms', tags);
  }

  /** Returns the offsets it committed: none where nothing had happened. */
  async commit(
    tasks: readonly OpenTask[],
    membership: Membership,
  ): Promise<readonly PartitionOffset[]> {
    const { producer, offsetCommit, clock, failpoints } = this.#options;
    const startMs = clock.monotonicMs();

    // T3: the record caches forward and log, which produces.
    await this.#flushCaches(tasks);
    const committing = tasks.filter(({ task }) => task.commitNeeded);
    if (committing.length === 0) {
      const isStray = offsetCommit.transactional && producer.inTransaction;
      invariant(!isStray, 'records were produced by no task');
      return [];
    }

    // T4: every produce is acknowledged before any offset is sent (I3).
    await producer.flush();
    failpoints.pass('produce.acked');

    // T5, T6: at least one offset of every task that did anything, under the captured generation (I4, I5).
    const offsets = committing.flatMap(({ task }) => task.committableOffsets());
    invariant(offsets.length > 0, 'a commit has no offset to fence it');
    failpoints.pass('offsets.before');
    await offsetCommit.commit(offsets, membership);
    failpoints.pass('store.before');

    // T7: only now may the stores on disk know of it (I2).
    await this.#cleared();
    await settleAll(committing.map((open) => this.#writeStores(open)));
    failpoints.pass('store.after');

    // T8 is the caller's: only now may it publish the offsets.

    this.#commits.add(1);
    this.#latencyMs.record(clock.monotonicMs() - startMs);
    return offsets;
  }

  /**
   * Says on disk that the positions of tasks without work are still right: one that is older than its topic keeps
   * tombstones is no use to a restart.
   */
  async refreshPositions(
    tasks: readonly OpenTask[],
    olderThanMs = POSITION_REFRESH_MS,
  ): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    await settleAll(
      tasks.map(async ({ task, storage, changelogs }) => {
        if (task.commitNeeded) return;
        const stale = changelogs.flatMap(({ topic }) => {
          const position = storage.position(topic);
          const isStale = position !== undefined && nowMs - position.wallTimeMs >= olderThanMs;
          return isStale ? [[topic, { ...position, wallTimeMs: nowMs }] as const] : [];
        });
        if (stale.length > 0) await storage.write({ entries: [], positions: new Map(stale) });
      }),
    );
  }

  async #flushCaches(tasks: readonly OpenTask[]): Promise<void> {
    // All of them first: what async processors are at work on may be taken back, and nothing else with it.
    for (const { task } of tasks) await this.#settled(task);
    for (const { task } of tasks) {
      do {
        await this.#settled(task);
        task.prepareCommit();
      } while (isWaiting(task));
    }
  }

  async #settled(task: CommittableTask): Promise<void> {
    const { timers, pendingTimeoutMs } = this.#options;
    if (!isWaiting(task)) return;
    const done = new AbortController();
    const timeout = timers.sleep(pendingTimeoutMs, done.signal).then(
      () => {
        throw notSettled(task.id, pendingTimeoutMs);
      },
      () => undefined,
    );
    try {
      while (isWaiting(task)) await Promise.race([task.pending, timeout]);
    } finally {
      done.abort();
    }
  }

  async #writeStores({ task, storage, changelogs }: OpenTask): Promise<void> {
    const committed = task.committableOffsets();
    await storage.write(task.seal(this.#positions(storage, changelogs, committed)));
    const cleared = task.postCommit().map((range) => storage.clear(range));
    this.#clearing = settleAll([this.#clearing, ...cleared]);
    this.#clearing.catch(() => undefined); // the next commit throws it
  }

  /** Throws what the clearing after the last commit threw, once. */
  async #cleared(): Promise<void> {
    const clearing = this.#clearing;
    this.#clearing = Promise.resolve();
    await clearing;
  }

  /** Behind the last record that this thread has written to each changelog; where it wrote none, as before. */
  #positions(
    storage: TaskStorage,
    changelogs: readonly TaskChangelog[],
    committed: readonly PartitionOffset[],
  ): ReadonlyMap<string, ChangelogPosition> {
    const { producer, clock } = this.#options;
    const wallTimeMs = clock.nowMs();
    const positions = new Map<string, ChangelogPosition>();
    for (const { topic, partition, topicId, end, isSource } of changelogs) {
      const next = isSource
        ? committed.find((input) => input.topic === topic && input.partition === partition)?.offset
        : (producer.ackedOffset(topic, partition) ?? -1) + 1;
      const offset = Math.max(next ?? 0, storage.position(topic)?.offset ?? end);
      positions.set(topic, { topicId, offset, wallTimeMs });
    }
    return positions;
  }
}

/** A function, since the answer changes while TypeScript believes that it cannot. */
function isWaiting(task: CommittableTask): boolean {
  return task.pending !== null;
}

function notSettled(id: TaskId, afterMs: number): StreamsError {
  return new StreamsError(
    'STREAMS_PROCESSING',
    `a commit has waited ${afterMs} ms for an async processor or punctuator: give what it waits for a timeout`,
    { site: { taskId: id.toString() } },
  );
}
