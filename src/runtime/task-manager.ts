import type { Membership } from '../client/group-member.ts';
import { compareTaskIds } from '../common/task-id.ts';
import type { Counter, Metrics, MetricTags } from '../observability/metrics.ts';
import type { RunningTask, TaskOpener } from './task-opener.ts';
import { hasSamePartitions, type AssignedTask, type TaskRegistry } from './task-registry.ts';

export interface TaskManagerOptions {
  readonly opener: Pick<TaskOpener, 'open'>;
  readonly registry: Pick<TaskRegistry, 'ids' | 'close'>;
  /** Something changed that the thread has to look at: tasks were opened, or could not be. */
  readonly onChange: () => void;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

/**
 * Which tasks live here, and what becomes of them when the group decides anew.
 *
 *     assigned ──► opening (offsets, restore) ──► running ──► suspended ──► running again, or closed
 *
 * Rebalancing is eager: before each, everything is committed and every task suspended. A task that comes back to the
 * same member in the very next generation, with the same partitions, goes on as it is, since nobody else can have had it;
 * any other is closed and, if it was assigned again, opened from its storage (A7). Opening goes on beside the tasks that
 * run.
 */
export class TaskManager {
  readonly #options: TaskManagerOptions;
  readonly #created: Counter;
  readonly #closed: Counter;
  /** Under which membership the running tasks read what they read (I5). */
  #membership: Membership | null = null;
  #assigned: readonly AssignedTask[] = [];
  #running: readonly RunningTask[] = [];
  #suspended = false;
  #opening: Opening | null = null;

  constructor(options: TaskManagerOptions) {
    const { metrics, tags } = options;
    this.#options = options;
    this.#created = metrics.counter('task-created-total', tags);
    this.#closed = metrics.counter('task-closed-total', tags);
  }

  get membership(): Membership | null {
    return this.#membership;
  }

  /** In the order they are processed. Empty between a rebalance's start and its end. */
  get running(): readonly RunningTask[] {
    return this.#suspended ? [] : this.#running;
  }

  /** What the group gave this instance, whether it runs yet or not. */
  get assigned(): readonly AssignedTask[] {
    return this.#assigned;
  }

  /** Between the start of a rebalance and its end. */
  get isSuspended(): boolean {
    return this.#suspended;
  }

  /** Every assigned task runs. */
  get isComplete(): boolean {
    return !this.#suspended && this.#opening === null && this.#membership !== null;
  }

  /** Throws what made the last opening fail, once. */
  throwIfFailed(): void {
    const error = this.#opening?.error ?? null;
    if (error === null) return;
    this.#opening = null;
    throw error;
  }

  /** Takes a new assignment. The producer must be usable and nothing of ours uncommitted. */
  async assign(tasks: readonly AssignedTask[], membership: Membership): Promise<void> {
    const ids = new Set(tasks.map(({ id }) => id.toString()));
    await this.#closeAllBut(ids);
    const mayKeep = isSameOrNext(this.#membership, membership);
    const kept = this.#running.filter(
      (running) => mayKeep && tasks.some((assigned) => isUnchanged(running, assigned)),
    );
    for (const running of this.#running) {
      // Somebody else may have had it in between, or it has another input to read.
      if (ids.has(taskKey(running)) && !kept.includes(running)) running.task.discard();
    }
    this.#running = kept;
    this.#assigned = tasks;
    this.#membership = membership;
    this.#suspended = false;
    this.#openMissing();
  }

  /** Before JoinGroup: everything is committed; nothing runs until the next assignment says what. */
  async suspend(): Promise<void> {
    await this.#stopOpening();
    this.#suspended = true;
  }

  /**
   * F1: drops everything that is not committed. The storages stay as they are: nothing uncommitted is in them (I2).
   * `reopen` or the next `assign` starts the tasks again.
   */
  async discard(): Promise<void> {
    await this.#stopOpening();
    for (const { task } of this.#running) task.discard();
    this.#running = [];
  }

  /** After `discard`, where the storages themselves are in doubt: the next opening checks them. */
  async closeStorages(): Promise<void> {
    await this.#closeAllBut(new Set());
  }

  /** F3: the same tasks again, from their stable offsets. */
  reopen(): void {
    if (this.#membership !== null && !this.#suspended) this.#openMissing();
  }

  /** The tasks are somebody else's now; what is open of them was committed or discarded. */
  async release(): Promise<void> {
    await this.#stopOpening();
    this.#running = [];
    this.#assigned = [];
    this.#membership = null;
    await this.#closeAllBut(new Set());
  }

  #openMissing(): void {
    const running = new Set(this.#running.map(taskKey));
    const tasks = this.#assigned.filter(({ id }) => !running.has(id.toString()));
    if (tasks.length === 0) return;
    const opening = new Opening();
    this.#opening = opening;
    const onStarted = (opened: readonly RunningTask[]): void => {
      this.#running = [...this.#running, ...opened].sort((a, b) =>
        compareTaskIds(a.assigned.id, b.assigned.id),
      );
      this.#created.add(opened.length);
      this.#options.onChange();
    };
    opening.run(this.#options.opener.open(tasks, opening.signal, onStarted), () => {
      if (this.#opening === opening && opening.error === null) this.#opening = null;
      this.#options.onChange();
    });
  }

  async #stopOpening(): Promise<void> {
    const opening = this.#opening;
    this.#opening = null;
    await opening?.stop();
  }

  async #closeAllBut(ids: ReadonlySet<string>): Promise<void> {
    const { registry } = this.#options;
    const foreign = registry.ids.filter((id) => !ids.has(id));
    await registry.close(foreign);
    this.#closed.add(foreign.length);
  }
}

function taskKey({ assigned }: RunningTask): string {
  return assigned.id.toString();
}

function isUnchanged(running: RunningTask, assigned: AssignedTask): boolean {
  return (
    taskKey(running) === assigned.id.toString() && hasSamePartitions(running.assigned, assigned)
  );
}

/** The same member, and no generation in between in which somebody else could have had its tasks. */
function isSameOrNext(old: Membership | null, membership: Membership): boolean {
  if (old?.memberId !== membership.memberId) return false;
  const passed = membership.generationId - old.generationId;
  return passed === 0 || passed === 1;
}

/** Tasks on their way to running, beside those that run. */
class Opening {
  readonly #abort = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #error: Error | null = null;

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  run(work: Promise<void>, onSettled: () => void): void {
    this.#done = work
      .catch((reason: unknown) => {
        this.#error = reason instanceof Error ? reason : new Error(String(reason));
      })
      .then(onSettled);
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  get error(): Error | null {
    return this.#error;
  }
}
