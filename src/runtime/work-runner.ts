import { isStreamsError, StreamsError, type ErrorCode } from '../common/errors.ts';
import { StreamRecord } from '../common/record.ts';
import type { Logger } from '../observability/logger.ts';
import { logAndFail, type ErrorHandlerContext } from '../processor/error-handlers.ts';
import { askHandler } from './ask-handler.ts';
import type { AsyncCalls } from './async-calls.ts';
import type { CurrentRecord } from './current-record.ts';
import type { DroppedRecords } from './dropped-records.ts';
import { messageOf } from './message-of.ts';
import type { ProcessorNode } from './processor-node.ts';
import type { ProcessorStateManager } from './processor-state-manager.ts';
import type { Punctuation } from './punctuation-queue.ts';
import type { RecordCollector } from './record-collector.ts';
import type { RecordQueue } from './record-queue.ts';
import type { RecordSink, SinkMark } from './record-sink.ts';
import type { TaskConfig } from './task-config.ts';

export interface WorkRunnerOptions {
  readonly config: TaskConfig;
  readonly current: CurrentRecord;
  readonly calls: AsyncCalls;
  readonly state: ProcessorStateManager;
  readonly sink: RecordSink;
  readonly collector: RecordCollector;
  readonly dropped: DroppedRecords;
  readonly logger: Logger;
}

/** What a record can be blamed for. Anything else (a disk, a broker, our own bug) would fail the next record too. */
const SKIPPABLE: ReadonlySet<ErrorCode> = new Set([
  'STREAMS_PROCESSING',
  'STREAMS_SERIALIZATION',
  'STREAMS_DESERIALIZATION',
  'STREAMS_INVALID_TIMESTAMP',
  'STREAMS_RECORD_TOO_LARGE',
]);

/**
 * Runs one piece of a task's work after the other: a record, a punctuation, a row that a cache lets go of.
 *
 * Where the application has a processing handler other than log-and-fail, everything that a piece does is staged: when it
 * fails, its writes and outputs are taken back whole, and only then the handler is asked what becomes of it. Without such
 * a handler nothing is staged, and an error stops the task (design: a failing record).
 *
 * A piece that async processors are still at work on is over when all of them have settled: until then `pending` is a
 * promise, and nothing else may be run. It rejects with what stops the task.
 *
 * Limits: async processors behind a flushed cache row are not staged with it; what they fail at stops the task.
 */
export class WorkRunner {
  /** Null where nothing has to be waited for. */
  pending: Promise<void> | null = null;
  /** What stopped the task. */
  failure: StreamsError | null = null;
  /** What a piece writes to the sink may be taken back: until it is over, nobody else may write there. */
  readonly isStaged: boolean;

  readonly #options: WorkRunnerOptions;
  readonly #current: CurrentRecord;
  readonly #calls: AsyncCalls;
  #mark: SinkMark = null;
  #isFlushing = false;

  // The piece at work, in fields: a closure for each record would cost more than a short chain of operators.
  #record: StreamRecord<unknown, unknown> | null = null;
  #children: readonly ProcessorNode[] = [];
  #punctuation: Punctuation | null = null;

  constructor(options: WorkRunnerOptions) {
    this.#options = options;
    this.#current = options.current;
    this.#calls = options.calls;
    this.isStaged = options.config.processingExceptionHandler !== logAndFail;
  }

  /** The record just taken from a queue. */
  process(queue: RecordQueue, record: StreamRecord<unknown, unknown>): void {
    this.#current.queue = queue;
    this.#record = record;
    this.#children = queue.source.children;
    this.#punctuation = null;
    this.#run();
  }

  punctuate(punctuation: Punctuation, timestampMs: number): void {
    this.#record = new StreamRecord(null, null, timestampMs);
    this.#punctuation = punctuation;
    this.#run();
  }

  /** Empties the record caches, whose rows come back through `forwardFlushed`. */
  flush(): void {
    this.#isFlushing = true;
    try {
      this.#options.state.flush();
    } catch (error) {
      throw this.#stop(error);
    } finally {
      this.#isFlushing = false;
    }
    if (this.#calls.inFlight > 0) this.#track(this.#settleFlush());
  }

  /** One row of a cache that is being flushed; false where none is. */
  forwardFlushed(
    children: readonly ProcessorNode[],
    record: StreamRecord<unknown, unknown>,
  ): boolean {
    if (!this.#isFlushing) return false;
    this.#record = record;
    this.#children = children;
    this.#punctuation = null;
    let retries = 0;
    do this.#attempt();
    while (!this.#conclude(retries++));
    return true;
  }

  /** To the topic, which may have to be looked up first: then it is part of what is pending. */
  deadLetter(topic: string, context: ErrorHandlerContext, error: StreamsError): void {
    const { sink, collector } = this.#options;
    if (sink.partitionCount(topic) !== undefined) {
      collector.sendDeadLetter(topic, context, error);
      return;
    }
    const prepared = sink.prepareTopics([topic]).then(() => {
      collector.sendDeadLetter(topic, context, error);
    });
    this.#track(prepared);
  }

  #run(): void {
    let retries = 0;
    for (;;) {
      this.#attempt();
      if (this.#calls.inFlight > 0) break;
      if (this.#conclude(retries++)) return;
    }
    this.#calls.restoreCurrent();
    this.#track(this.#settle(retries));
  }

  async #settle(retries: number): Promise<void> {
    let tried = retries;
    for (;;) {
      await this.#calls.idle();
      if (this.#current.isAbandoned || this.#conclude(tried++)) return;
      this.#attempt();
    }
  }

  async #settleFlush(): Promise<void> {
    this.#calls.restoreCurrent();
    await this.#calls.idle();
    const failure = this.#calls.takeFailure();
    if (failure !== null) throw failure;
  }

  #attempt(): void {
    if (this.isStaged) {
      this.#options.state.beginUndo();
      this.#mark = this.#options.sink.mark();
    }
    const record = this.#record as StreamRecord<unknown, unknown>; // set by whoever began the piece
    const children = this.#children;
    try {
      if (this.#punctuation === null) {
        for (const child of children) child.process(record);
      } else {
        this.#punctuation.node.punctuate(this.#punctuation.punctuator, record);
      }
    } catch (error) {
      this.#calls.fail(error as StreamsError); // nodes throw nothing else
    }
  }

  /** True where the piece is over, false where it is to be tried again; throws what stops the task. */
  #conclude(retries: number): boolean {
    const failure = this.#current.fatal ?? this.#calls.takeFailure();
    if (failure === null) {
      if (this.isStaged) this.#keep();
      this.#current.queue = null;
      return true;
    }
    const isTakenBack = this.isStaged && !(this.#isFlushing && this.#calls.inFlight > 0);
    if (!isTakenBack || failure === this.#current.fatal || !SKIPPABLE.has(failure.code)) {
      throw this.#stop(failure);
    }
    this.#options.state.undo();
    this.#options.sink.rollback(this.#mark);
    this.#current.record = this.#record;
    const isRetried = this.#decide(failure, retries) === 'retry';
    this.#current.record = null;
    if (!isRetried) this.#current.queue = null;
    return !isRetried;
  }

  /** Asks the handler about a piece that has been taken back. */
  #decide(failure: StreamsError, retries: number): 'retry' | 'skipped' {
    const { config, logger, dropped } = this.#options;
    const asked = {
      option: 'processingExceptionHandler',
      handler: config.processingExceptionHandler,
    } as const;
    const context = this.#current.handlerContext(failure.site.node ?? '');
    const response = askHandler(asked, context, failure, logger);
    if (response === 'retry' && retries < config.processingRetries) {
      logger.warn({ ...failure.site, err: failure }, 'a record failed and is tried again');
      return 'retry';
    }
    if (response === 'fail' || response === 'retry') throw this.#stop(failure);
    dropped.count('processing', () => ({ ...failure.site, err: failure }));
    if (response !== 'continue') this.deadLetter(response.deadLetter, context, failure);
    return 'skipped';
  }

  #keep(): void {
    this.#options.state.endUndo();
    this.#options.sink.release(this.#mark);
  }

  #track(work: Promise<void>): void {
    const before = this.pending;
    const both = before === null ? work : before.then(() => work);
    const tracked: Promise<void> = both.then(
      () => {
        if (this.pending === tracked) this.pending = null;
      },
      (error: unknown) => {
        if (this.pending === tracked) this.pending = null;
        throw this.#stop(error);
      },
    );
    this.pending = tracked;
    // Whoever drives the task awaits it too; neither must be an unhandled rejection in the meantime.
    work.catch(() => undefined);
    tracked.catch(() => undefined);
  }

  #stop(error: unknown): StreamsError {
    this.failure ??= isStreamsError(error)
      ? error
      : new StreamsError('STREAMS_PROCESSING', messageOf(error), {
          site: this.#current.site(),
          cause: error,
        });
    return this.failure;
  }
}
