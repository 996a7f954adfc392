import type { Headers } from '../common/record.ts';
import type { Metrics, MetricTags } from '../observability/metrics.ts';
import type { ObjectBudget } from './object-budget.ts';
import type { RecordCache } from './record-cache.ts';
import type { TaskStorage } from './task-storage.ts';

/** Takes each write of a logged store to its changelog partition, inside the open transaction. */
export interface ChangelogWriter {
  /**
   * The bytes are copied before this returns. A null value is a tombstone. Only buffers write headers, which say how
   * their values are written.
   */
  append(key: Uint8Array, value: Uint8Array | null, timestampMs: number, headers?: Headers): void;
}

/** What a store is opened with: everything around it that belongs to its task. */
export interface StoreContext {
  readonly taskId: string;
  readonly storage: TaskStorage;
  /** Null where logging is off. */
  readonly changelog: ChangelogWriter | null;
  /** `<application>-<store>-changelog`, whether there is one or not: serdes are told this name. */
  readonly changelogTopic: string;
  /** The record cache of the stream thread; a store that does not cache ignores it. */
  readonly recordCache: RecordCache;
  /** The budget for decoded entries, shared by the stores of the stream thread. */
  readonly objects: ObjectBudget;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
  /** Timestamp and headers of the record being processed; in a punctuator its time and no headers. */
  readonly recordTimestampMs: () => number;
  readonly recordHeaders: () => Headers;
  /** Counts a write to a window past its retention. */
  readonly dropExpiredWindow: () => void;
}
