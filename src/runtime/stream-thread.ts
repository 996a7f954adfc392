import type {
  GroupMember,
  MemberAssignment,
  Membership,
  RebalanceListener,
} from '../client/group-member.ts';
import type { Producer } from '../client/producer.ts';
import type { Clock, Timers } from '../common/clock.ts';
import { isStreamsError, StreamsError } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter, Histogram, Metrics, MetricTags } from '../observability/metrics.ts';
import type { Committer } from './committer.ts';
import type { FailureClock } from './failure-clock.ts';
import type { InputReader } from './input-reader.ts';
import type { RepartitionPurge } from './repartition-purge.ts';
import type { SourceTopics } from './source-topics.ts';
import type { StreamTask } from './stream-task.ts';
import type { StreamsConfig, UncaughtExceptionResponse } from './streams-config.ts';
import type { TaskManager } from './task-manager.ts';
import type { AssignedTask } from './task-registry.ts';
import type { WakeUp } from './wake-up.ts';

export interface StreamThreadOptions {
  readonly config: Pick<
    StreamsConfig,
    | 'commitIntervalMs'
    | 'statestoreUncommittedMaxBytes'
    | 'sliceMs'
    | 'taskTimeoutMs'
    | 'sessionTimeoutMs'
    | 'groupInstanceId'
  >;
  readonly producer: Producer;
  readonly createMember: (listener: RebalanceListener) => GroupMember;
  readonly input: InputReader;
  readonly tasks: TaskManager;
  readonly committer: Committer;
  readonly purge: RepartitionPurge;
  readonly sources: SourceTopics;
  readonly failures: FailureClock;
  readonly wakeUp: WakeUp;
  /**
   * What the group's decision means for this instance; null where it was made for another topology. Errors: what the
   * leader refused it with.
   */
  readonly readAssignment: (assignment: MemberAssignment) => readonly AssignedTask[] | null;
  /** True while every assigned task runs. */
  readonly onRunning: (running: boolean) => void;
  /** Asked about what cannot be tried again. */
  readonly onUncaught: (error: StreamsError) => UncaughtExceptionResponse;
  /** From now on the subscription asks all members to stop. */
  readonly requestShutdown: (error: StreamsError) => void;
  /** What the coordinator says of the group, beside this member. */
  readonly describeOthers: (memberId: string) => Promise<OtherMembers>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

export interface OtherMembers {
  readonly count: number;
  /** They wait for this member to join. */
  readonly areJoining: boolean;
}

/** How long a loop without work sleeps at most: Kafka Streams' `poll.ms`. */
const IDLE_MS = 100;
/** Records of one task before the next task gets its turn. */
const LAP_RECORDS = 256;
const POSITION_REFRESH_INTERVAL_MS = 600_000;
/** An abort on the way out saves others a wait, and is not worth one. */
const LAST_ABORT_MS = 5_000;

/**
 * The loop that drives the tasks of one instance: rebalance, take what was fetched, process for a few milliseconds,
 * punctuate, commit when it is time, let the event loop run.
 *
 * It owns its parts: they are closed when `run` has settled. Whatever fails takes one way (F1 to F3): everything that is
 * not committed is dropped, the producer gets a new epoch, the tasks start again from what is committed. What cannot be
 * mended by that, or has not been for `taskTimeoutMs`, goes to the uncaught-exception handler.
 *
 * Source: `org.apache.kafka.streams.processor.internals.StreamThread`.
 */
export class StreamThread {
  readonly #options: StreamThreadOptions;
  readonly #member: GroupMember;
  readonly #failuresTotal: Counter;
  readonly #loopDelayMs: Histogram;
  readonly #sliceMs: Histogram;
  /** Index of the task that had the last turn. */
  #turnOf = -1;
  /** F2 is due before anything else is done with the producer. */
  #producerReady = false;
  #lastCommitMs: number;
  #lastRefreshMs: number;
  #stopping = false;
  #isPolling = false;
  /** Since when a promise of an async processor has been waited for. */
  readonly #waitingSinceMs = new WeakMap<Promise<void>, number>();

  constructor(options: StreamThreadOptions) {
    const { metrics, tags, clock } = options;
    this.#options = options;
    this.#failuresTotal = metrics.counter('failed-turns-total', tags);
    this.#sliceMs = metrics.histogram('slice-ms', tags);
    this.#loopDelayMs = metrics.histogram('event-loop-delay-ms', tags);
    this.#lastCommitMs = clock.monotonicMs();
    this.#lastRefreshMs = this.#lastCommitMs;
    this.#member = options.createMember({
      onRevoked: () => this.#revoked(),
      onAssigned: (assignment, membership) => this.#assigned(assignment, membership),
      onLost: (error) => this.#lost(error),
    });
    this.#member.onRejoinNeeded(options.wakeUp.wake);
  }

  /**
   * Runs until `stop` is called or something fails that the handler does not want tried again; rejects with that.
   * Nothing uncommitted is left behind either way.
   */
  async run(): Promise<void> {
    try {
      while (!this.#stopping) await this.#turnOrRecover();
      await this.#commitAll();
      await this.#options.tasks.release();
    } catch (error) {
      await this.#abandon(error);
      throw error;
    }
  }

  /** Lets the loop end after its present turn: `run` commits and resolves. */
  stop(): void {
    this.#stopping = true;
    this.#options.wakeUp.wake();
    // A join may be parked until all other members have come, which can take minutes.
    if (this.#isPolling) void this.#member.close();
  }

  /** Leaves the group, so that the others get the tasks at once. After `run`. */
  async leave(): Promise<void> {
    await this.#member.leave();
  }

  /** Ends the heartbeats; the group finds out when the session has passed, or, for a static member, never misses it. */
  async close(): Promise<void> {
    await this.#member.close();
    await this.#options.purge.settled();
  }

  get memberId(): string | null {
    return this.#member.membership?.memberId ?? null;
  }

  async #turnOrRecover(): Promise<void> {
    try {
      await this.#turn();
    } catch (error) {
      const failure = asStreamsError(error);
      const wasCutOff = this.#stopping && failure.code === 'STREAMS_STOPPED';
      if (!wasCutOff) await this.#recover(failure);
    }
  }

  async #turn(): Promise<void> {
    const { tasks, input, producer, purge, sources, metrics, clock } = this.#options;
    metrics.rollRates(clock.monotonicMs());
    await this.#readyProducer();
    await this.#pollGroup();
    tasks.throwIfFailed();
    this.#options.onRunning(tasks.isComplete);
    const change = sources.takeChange();
    if (change !== null) this.#member.requestRejoin(change);

    if (!tasks.isSuspended) input.readFor(tasks.running);
    const fetched = input.take();
    const commitWaits =
      tasks.running.some(({ task }) => task.pending !== null) && this.#isCommitDue();
    const worked = commitWaits ? false : this.#processSlice();
    input.resume();
    producer.poke();
    if (producer.isFull && !this.#areOutputsHeld()) await producer.drain();
    if (!commitWaits && this.#isCommitDue()) await this.#commitAll();
    purge.maybePurge();
    await this.#maybeRefreshPositions();
    if (worked || fetched) await this.#yield();
    else await this.#sleep();
  }

  async #pollGroup(): Promise<void> {
    if (!this.#member.rejoinNeeded) {
      await this.#member.poll();
      return;
    }
    this.#isPolling = true;
    try {
      await this.#member.poll();
    } finally {
      this.#isPolling = false;
    }
  }

  /** Returns whether anything was done. */
  #processSlice(): boolean {
    const { producer, clock, config } = this.#options;
    const startMs = clock.monotonicMs();
    const deadlineMs = startMs + config.sliceMs;
    let worked = false;
    // A lap is over when every task has had its turn, or the time is up; the next slice goes on where this one ended.
    for (let idle = 0; idle < this.#options.tasks.running.length;) {
      const didWork = this.#takeTurn(deadlineMs);
      worked ||= didWork;
      idle = didWork ? 0 : idle + 1;
      if (producer.isFull || clock.monotonicMs() >= deadlineMs) break;
    }
    if (worked) this.#sliceMs.record(clock.monotonicMs() - startMs);
    return worked;
  }

  /**
   * An async record of a task that may still be taken back holds the batches of the one producer that all tasks write to:
   * until it has settled, nothing of another task may come behind it.
   */
  #areOutputsHeld(): boolean {
    return this.#options.tasks.running.some(({ task }) => task.isStaging);
  }

  /** The next task processes a lap of records and punctuates; false where it has nothing to do. */
  #takeTurn(deadlineMs: number): boolean {
    const { tasks, clock } = this.#options;
    const { running } = tasks;
    this.#turnOf = (this.#turnOf + 1) % running.length;
    const task = running[this.#turnOf]?.task;
    if (task === undefined || this.#areOutputsHeld() || isWaiting(task)) return false;
    const processed = task.process(LAP_RECORDS, deadlineMs);
    const punctuated = !isWaiting(task) && task.punctuate(clock.nowMs());
    return punctuated || processed > 0;
  }

  #isCommitDue(): boolean {
    const { tasks, clock, config } = this.#options;
    const intervalOver = clock.monotonicMs() - this.#lastCommitMs >= config.commitIntervalMs;
    let needed = false;
    let requested = false;
    let uncommittedBytes = 0;
    for (const { task } of tasks.running) {
      needed ||= task.commitNeeded;
      requested ||= task.commitRequested;
      uncommittedBytes += task.uncommittedBytes;
    }
    const isLarge = uncommittedBytes >= config.statestoreUncommittedMaxBytes;
    return needed && (intervalOver || requested || isLarge);
  }

  /** T3 to T8 over all tasks. */
  async #commitAll(): Promise<void> {
    const { tasks, committer, purge, failures, clock } = this.#options;
    const { membership } = tasks;
    // Without a producer of our own nothing is left to commit: what was open was dropped.
    if (membership === null || tasks.isSuspended || !this.#producerReady) return;
    const offsets = await committer.commit(tasks.running, membership);
    this.#lastCommitMs = clock.monotonicMs();
    if (offsets.length === 0) return;
    purge.committed(offsets);
    failures.progress();
  }

  /** A2, and F2: an epoch of our own, with whatever came before decided. Then F3. */
  async #readyProducer(): Promise<void> {
    if (this.#producerReady) return;
    await this.#options.producer.initTransactions();
    this.#producerReady = true;
    this.#options.tasks.reopen();
  }

  /** A1: nothing of ours is open when JoinGroup goes out. */
  async #revoked(): Promise<void> {
    const { tasks } = this.#options;
    this.#options.onRunning(false);
    try {
      await this.#commitAll();
    } catch (error) {
      await this.#drop();
      const failure = asStreamsError(error);
      if (failure.recovery === 'stop') throw failure;
      this.#options.logger.warn({ err: failure }, 'the last commit before a rebalance failed');
    }
    await tasks.suspend();
  }

  async #assigned(assignment: MemberAssignment, membership: Membership): Promise<void> {
    const assigned = this.#options.readAssignment(assignment);
    // A static member that was restarted gets the assignment of its former self: the leader has to see it anew.
    if (assigned === null)
      this.#member.requestRejoin('the assignment was made for another topology');
    this.#options.purge.forget();
    await this.#options.sources.load();
    await this.#readyProducer();
    await this.#options.tasks.assign(assigned ?? [], membership);
  }

  /** The tasks are somebody else's already: nothing can be committed. */
  async #lost(error: StreamsError): Promise<void> {
    this.#options.logger.warn({ err: error }, 'this instance lost its tasks');
    this.#options.onRunning(false);
    await this.#drop();
    await this.#options.tasks.release();
  }

  /** F1, and an end to the open transaction, so that nobody has to wait for its timeout. */
  async #drop(): Promise<void> {
    const { tasks, producer, logger } = this.#options;
    await tasks.discard();
    if (!this.#producerReady) return;
    this.#producerReady = false;
    if (!producer.inTransaction) return;
    try {
      await producer.abortTransaction();
    } catch (error) {
      // The next InitProducerId aborts it, or the coordinator does when it times out.
      logger.warn({ err: error }, 'the open transaction could not be aborted');
    }
  }

  async #recover(error: StreamsError): Promise<void> {
    const { failures, logger, tasks, onUncaught } = this.#options;
    this.#failuresTotal.add(1);
    if (this.#stopping) throw error;
    const waitMs = failures.failed();
    const final = error.recovery === 'stop' || waitMs === null;
    const response = final ? onUncaught(error) : null;
    if (response === 'shutdownApplication') await this.#shutDownApplication(error);
    if (response === 'shutdownClient' || response === 'shutdownApplication') throw error;

    logger.warn({ err: error, recovery: error.recovery }, 'starting over from what is committed');
    this.#options.onRunning(false);
    await this.#drop();
    this.#producerReady = false;
    // Opening a database again is what finds out that it is damaged, and heals it.
    if (error.code.startsWith('STREAMS_STATE_')) await tasks.closeStorages();
    if (error.recovery === 'rejoin') {
      await tasks.suspend();
      this.#member.requestRejoin(error.code);
    }
    await this.#pause(waitMs ?? IDLE_MS);
  }

  /** The whole time: what wakes the thread, records that were fetched for instance, does not mend what has failed. */
  async #pause(forMs: number): Promise<void> {
    const { wakeUp, clock } = this.#options;
    const untilMs = clock.monotonicMs() + forMs;
    for (let leftMs = forMs; leftMs > 0 && !this.#isStopping();) {
      await wakeUp.sleep(leftMs);
      leftMs = untilMs - clock.monotonicMs();
    }
  }

  /** A function, since `stop` may come while something is awaited. */
  #isStopping(): boolean {
    return this.#stopping;
  }

  /**
   * One more rebalance, in which the leader hands our error to every member. Whoever leaves the group begins the next one,
   * in which a member that has not fetched its answer yet would find no error any more: so this one stays until the others
   * have left, at most for the session timeout.
   */
  async #shutDownApplication(error: StreamsError): Promise<void> {
    const { requestShutdown, describeOthers, clock, config, logger } = this.#options;
    requestShutdown(error);
    await this.#drop();
    this.#member.requestRejoin('shutdownApplication');
    const giveUpMs = clock.monotonicMs() + config.sessionTimeoutMs;
    let others: OtherMembers = { count: 1, areJoining: true };
    while (others.count > 0 && clock.monotonicMs() < giveUpMs && !this.#isStopping()) {
      try {
        if (others.areJoining) await this.#member.poll();
      } catch (answer) {
        logger.info({ err: answer }, 'all instances were asked to stop');
        // A static member begins no rebalance when it ends.
        if (config.groupInstanceId !== null) return;
      }
      await this.#pause(IDLE_MS);
      try {
        others = await describeOthers(this.memberId ?? '');
      } catch (unknown) {
        logger.warn({ err: unknown }, 'it is not known whether all instances have stopped');
        return;
      }
    }
  }

  async #abandon(error: unknown): Promise<void> {
    const { tasks, timers, logger } = this.#options;
    logger.error({ err: error }, 'the stream thread ends');
    this.#options.onRunning(false);
    const giveUp = new AbortController();
    await Promise.race([
      this.#drop(),
      timers.sleep(LAST_ABORT_MS, giveUp.signal).catch(() => undefined),
    ]);
    giveUp.abort();
    await tasks.release();
  }

  async #maybeRefreshPositions(): Promise<void> {
    const { tasks, committer, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastRefreshMs < POSITION_REFRESH_INTERVAL_MS) return;
    this.#lastRefreshMs = nowMs;
    await committer.refreshPositions(tasks.running);
  }

  /** How long the event loop had other things to do is what everybody else in the process waits for, too. */
  async #yield(): Promise<void> {
    const { timers, clock } = this.#options;
    const startMs = clock.monotonicMs();
    await timers.yieldToEventLoop();
    this.#loopDelayMs.record(clock.monotonicMs() - startMs);
  }

  async #sleep(): Promise<void> {
    const { tasks, wakeUp, clock, config } = this.#options;
    const commitInMs = this.#lastCommitMs + config.commitIntervalMs - clock.monotonicMs();
    let waitMs = IDLE_MS;
    for (const { task } of tasks.running) {
      if (task.pending !== null) {
        this.#wakeWhenSettled(task.pending, task.id.toString());
        continue;
      }
      const punctuationMs = task.nextPunctuationMs;
      if (punctuationMs !== null) waitMs = Math.min(waitMs, punctuationMs - clock.nowMs());
      // A commit that is overdue waits for an async processor, which wakes us.
      if (task.commitNeeded && commitInMs > 0) waitMs = Math.min(waitMs, commitInMs);
    }
    await wakeUp.sleep(Math.max(0, waitMs));
  }

  #wakeWhenSettled(pending: Promise<void>, taskId: string): void {
    const { clock, config, wakeUp } = this.#options;
    const nowMs = clock.monotonicMs();
    const sinceMs = this.#waitingSinceMs.get(pending);
    if (sinceMs === undefined) {
      this.#waitingSinceMs.set(pending, nowMs);
      pending.then(wakeUp.wake, wakeUp.wake); // what it rejects with, the task throws at its next turn
    } else if (nowMs - sinceMs > config.taskTimeoutMs) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        `an async processor or punctuator has not settled for ${config.taskTimeoutMs} ms (taskTimeoutMs): give what it waits for a timeout`,
        { site: { taskId } },
      );
    }
  }
}

/** Async processors of it are at work: it must be left alone. */
function isWaiting(task: StreamTask): boolean {
  return task.pending !== null;
}

/** Anything else is a bug, ours or one that user code brought in by a way that no node wraps. */
function asStreamsError(error: unknown): StreamsError {
  if (isStreamsError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StreamsError('STREAMS_INVARIANT', `the stream thread failed: ${message}`, {
    cause: error,
  });
}
