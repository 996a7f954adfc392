import type { FetchedPartition } from '../client/fetch-partition.ts';
import type { Fetcher } from '../client/fetcher.ts';
import type { Clock } from '../common/clock.ts';
import { isStreamsError, StreamsError } from '../common/errors.ts';
import type { Failpoints } from '../common/failpoints.ts';
import { partitionKey } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter, Gauge, Metrics, MetricTags } from '../observability/metrics.ts';
import type { RestoredRecord } from '../state/managed-store.ts';
import type { ChangelogPosition } from '../state/task-storage.ts';
import type { ChangelogFacts } from './changelog-positions.ts';
import type { RestoreEvent, RestoreListener } from './restore-listener.ts';

/** The task whose store it is; `StreamTask` is one. */
export interface RestorableTask {
  restore(
    changelogTopic: string,
    records: Iterable<RestoredRecord>,
    position: ChangelogPosition,
  ): Promise<void>;
}

/** A store that is behind its changelog. */
export interface StoreToRestore {
  readonly taskId: string;
  readonly task: RestorableTask;
  readonly store: string;
  readonly facts: ChangelogFacts;
  /** Offset of the first record to apply. */
  readonly from: number;
  /** The position on disk that this continues; undefined where it starts from nothing. */
  readonly since: ChangelogPosition | undefined;
}

export interface ChangelogReaderOptions {
  /** Makes a read_committed fetcher on the restore lane; it lives as long as one restore. */
  readonly openFetcher: () => Fetcher;
  /** The records of a chunk below an offset, in order; a record is valid until the next one is asked for. */
  readonly recordsOf: (chunk: FetchedPartition, endOffset: number) => Iterable<RestoredRecord>;
  readonly listener: RestoreListener;
  /** A batch is on disk: whatever fails later, this need not be done again. */
  readonly onProgress: () => void;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

/** Long enough that an idle wait costs nothing, short enough that a stall is noticed in time. */
const POLL_MS = 500;

/**
 * Step A6: replays changelogs into storages, up to the high watermark that was read before.
 *
 * Each batch is written together with its new position, so a crash or a rebalance at any point loses nothing and the
 * next restore continues there. Only committed records are applied; the end is reached by *position*, which also passes
 * markers, aborted batches and what compaction left empty.
 *
 * Errors: `STREAMS_RESTORE_STALLED` when no position has moved for `stallTimeoutMs` (a transaction somebody left open
 * holds it up, or a replica is out of sync); `STREAMS_TASK_CORRUPTED` when the changelog is no longer the one whose
 * bounds were read.
 */
export class ChangelogReader {
  readonly #options: ChangelogReaderOptions;
  readonly #restored: Counter;
  readonly #remaining: Gauge;

  constructor(options: ChangelogReaderOptions) {
    const { metrics, tags } = options;
    this.#options = options;
    this.#restored = metrics.counter('restore-records-total', tags);
    this.#remaining = metrics.gauge('restore-remaining-records', tags);
  }

  /** Resolves when all stores have reached their ends; rejects with the signal's reason when that aborts first. */
  async restore(stores: readonly StoreToRestore[], signal: AbortSignal): Promise<void> {
    const open = new Map<string, StoreRestore>();
    for (const target of stores) {
      const { topic, partition } = target.facts;
      open.set(partitionKey(topic, partition), new StoreRestore(target, this.#options));
    }
    if (open.size === 0) return;
    const { failpoints } = this.#options;
    failpoints.pass('restore.begin');
    const fetcher = this.#options.openFetcher();
    try {
      for (const restore of open.values()) restore.start();
      fetcher.assign([...open.values()].map((restore) => restore.assignment));
      await this.#replay(open, fetcher, signal);
      failpoints.pass('restore.end');
    } finally {
      this.#remaining.set(0);
      await fetcher.close();
    }
  }

  async #replay(
    open: Map<string, StoreRestore>,
    fetcher: Fetcher,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, stallTimeoutMs, failpoints } = this.#options;
    let lastMoveMs = clock.monotonicMs();
    while (open.size > 0) {
      signal.throwIfAborted();
      const chunks = await poll(fetcher, signal);
      for (const chunk of chunks) {
        const key = partitionKey(chunk.topic, chunk.partition);
        const restore = open.get(key);
        if (restore === undefined) continue;
        this.#restored.add(await restore.apply(chunk));
        this.#options.onProgress();
        failpoints.pass('restore.batch');
        if (!restore.isDone) continue;
        await restore.end();
        open.delete(key);
        fetcher.pause([chunk]);
      }
      this.#remaining.set(sum([...open.values()].map((restore) => restore.remaining)));
      const nowMs = clock.monotonicMs();
      if (chunks.length > 0) lastMoveMs = nowMs;
      else if (nowMs - lastMoveMs >= stallTimeoutMs) {
        throw stalled([...open.values()], nowMs - lastMoveMs);
      }
    }
  }
}

/** One store on its way to the end of its changelog. */
class StoreRestore {
  readonly #target: StoreToRestore;
  readonly #options: ChangelogReaderOptions;
  /** Until the end is reached the position is only as fresh as the oldest read that led to it (see `#write`). */
  readonly #wallTimeMs: number;
  #position: number;
  #records = 0;

  constructor(target: StoreToRestore, options: ChangelogReaderOptions) {
    this.#target = target;
    this.#options = options;
    this.#position = target.from;
    this.#wallTimeMs = target.since?.wallTimeMs ?? options.clock.nowMs();
  }

  get assignment(): { topic: string; partition: number; offset: number; topicId: string } {
    const { topic, partition, topicId } = this.#target.facts;
    return { topic, partition, topicId, offset: this.#position };
  }

  get isDone(): boolean {
    return this.#position >= this.#target.facts.end;
  }

  get remaining(): number {
    return Math.max(0, this.#target.facts.end - this.#position);
  }

  start(): void {
    this.#tell('start');
  }

  /** Returns how many records there were. */
  async apply(chunk: FetchedPartition): Promise<number> {
    const { end, isSource = false } = this.#target.facts;
    const limit = isSource ? end : Infinity;
    const records = new CountedRecords(this.#options.recordsOf(chunk, limit));
    this.#position = Math.min(chunk.nextOffset, limit);
    await this.#write(records, this.#wallTimeMs);
    chunk.release?.(); // rows are copies
    this.#records += records.count;
    this.#tell('batch');
    return records.count;
  }

  /** From here on the store is what the changelog is now. */
  async end(): Promise<void> {
    await this.#write([], this.#options.clock.nowMs());
    this.#tell('end');
  }

  describe(): string {
    const { topic, partition, end } = this.#target.facts;
    return `${partitionKey(topic, partition)} at ${this.#position} of ${end}`;
  }

  /**
   * `wallTimeMs` says since when tombstones may have been missed. A value that was read and whose tombstone lies ahead
   * was not compacted away when it was read; so the tombstone stays for its retention from then on, not from now.
   */
  #write(records: Iterable<RestoredRecord>, wallTimeMs: number): Promise<void> {
    const { task, facts } = this.#target;
    const position = { topicId: facts.topicId, offset: this.#position, wallTimeMs };
    return task.restore(facts.topic, records, position);
  }

  #tell(kind: keyof RestoreListener): void {
    const { taskId, store, facts } = this.#target;
    const event: RestoreEvent = {
      taskId,
      store,
      topic: facts.topic,
      partition: facts.partition,
      offset: this.#position,
      endOffset: facts.end,
      restoredRecords: this.#records,
    };
    const { listener, logger } = this.#options;
    try {
      listener[kind]?.(event);
    } catch (error) {
      logger.warn({ err: error, ...event }, 'the restore listener threw');
    }
  }
}

/** Counts what passes. */
class CountedRecords implements Iterable<RestoredRecord> {
  readonly #records: Iterable<RestoredRecord>;
  count = 0;

  constructor(records: Iterable<RestoredRecord>) {
    this.#records = records;
  }

  *[Symbol.iterator](): Iterator<RestoredRecord> {
    for (const record of this.#records) {
      this.count += 1;
      yield record;
    }
  }
}

async function poll(fetcher: Fetcher, signal: AbortSignal): Promise<readonly FetchedPartition[]> {
  try {
    return await fetcher.poll(POLL_MS, signal);
  } catch (error) {
    const isOtherLog =
      isStreamsError(error, 'STREAMS_OFFSET_OUT_OF_RANGE') ||
      isStreamsError(error, 'STREAMS_TOPIC_RECREATED');
    if (!isOtherLog) throw error;
    // The next look at the changelog finds out what became of it, and wipes what no longer belongs to it.
    throw new StreamsError('STREAMS_TASK_CORRUPTED', 'the changelog changed during its restore', {
      site: error.site,
      cause: error,
    });
  }
}

function stalled(open: readonly StoreRestore[], forMs: number): StreamsError {
  const where = open.map((restore) => restore.describe()).join(', ');
  return new StreamsError(
    'STREAMS_RESTORE_STALLED',
    `no changelog has moved for ${Math.round(forMs)} ms (${where}): a producer has left a transaction open there, or a replica is out of sync. Kafka's kafka-transactions tool finds and aborts it; restoreStallTimeoutMs is how long to wait`,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
