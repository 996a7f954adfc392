import type { TaskStorage } from './task-storage.ts';

export interface TaskStorageRequest {
  /** Such as `0_3`. */
  readonly taskId: string;
  /** State of another cluster is refused. */
  readonly clusterId: string;
  /** Kept with the data, for comparing. */
  readonly topologyFingerprint: string;
  /** How many tasks this instance is about to hold: each database gets an equal share of the memory. */
  readonly tasks: number;
  /** Called when the storage has been closed. */
  readonly onClosed?: () => void;
  /** Ends waiting for another thread that still has the folder; `open` rejects with its reason then. */
  readonly signal?: AbortSignal;
}

/**
 * Why local state is deleted; a tag of `state-wipes-total`.
 *
 *     damaged             the files of the database are damaged
 *     position-unusable   the changelog does not hold what comes after the position, or its tombstones may be gone
 *     topic-recreated     the changelog is not the topic that the state came from
 */
export type WipeReason = 'damaged' | 'position-unusable' | 'topic-recreated';

export interface Wipe {
  readonly reason: WipeReason;
  /** What was found, in words. */
  readonly detail: string;
}

export interface OpenedTaskStorage {
  readonly storage: TaskStorage;
  /** What was there and had to be wiped; null where nothing was. */
  readonly wiped: Wipe | null;
}

/**
 * The state of one instance of an application: a storage for each task, under one lock.
 *
 * Errors of `open`: `STREAMS_STATE_LOCKED`, `STREAMS_STATE_INCOMPATIBLE`, `STREAMS_STATE_IO`. What is damaged is wiped,
 * counted, logged and reported in the answer, since the changelogs bring it back.
 */
export interface StateDirectory {
  /** UUID that outlives restarts of an instance with a disk; part of its transactional ids. */
  readonly processId: string;
  /** Opens the storage of a task, which must not be open. Whoever asked closes it. */
  open(request: TaskStorageRequest): Promise<OpenedTaskStorage>;
  /** Deletes the state of a task, closing its storage first where it is open. Counted and logged with the reason. */
  wipe(taskId: string, wipe: Wipe): Promise<void>;
  /** Tasks that have state here. */
  list(): Promise<readonly string[]>;
  /** Closes what is open and gives up the lock. */
  close(): Promise<void>;
}
