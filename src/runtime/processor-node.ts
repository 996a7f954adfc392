import { isStreamsError, StreamsError } from '../common/errors.ts';
import type { StreamRecord } from '../common/record.ts';
import type { Processor } from '../processor/processor.ts';
import type { Punctuator } from '../processor/punctuator.ts';
import type { AsyncCalls } from './async-calls.ts';
import type { CurrentRecord } from './current-record.ts';
import { messageOf } from './message-of.ts';
import { isThenable } from './thenable.ts';

export interface ProcessorNodeOptions {
  readonly name: string;
  readonly current: CurrentRecord;
  readonly calls: AsyncCalls;
  /** Makes the processor; its context may use the node from then on. */
  readonly create: (node: ProcessorNode) => Processor;
}

/**
 * Calls the processor of one node of a task.
 *
 * While a promise of the processor is not settled, records that reach the node wait in its inbox; they are processed one
 * after the other, in their order, each as the current record. What the processor throws is wrapped once, by the node
 * that it came from, as `STREAMS_PROCESSING` with task, node and the place of the record; errors of this library keep
 * their code and get the place. A processor's own `catch` around `forward` sees that error.
 *
 * Errors: `STREAMS_PROCESSING` when more records wait than the task allows.
 */
export class ProcessorNode {
  readonly name: string;
  readonly children: ProcessorNode[] = [];
  /** The record, or in a punctuator its time, of the promise that has not settled. */
  running: StreamRecord<unknown, unknown> | null = null;

  readonly #current: CurrentRecord;
  readonly #calls: AsyncCalls;
  readonly #inbox: StreamRecord<unknown, unknown>[] = [];
  readonly #processor: Processor;

  constructor({ name, current, calls, create }: ProcessorNodeOptions) {
    this.name = name;
    this.#current = current;
    this.#calls = calls;
    try {
      this.#processor = create(this);
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  process(record: StreamRecord<unknown, unknown>): void {
    if (this.running !== null) {
      this.#enqueue(record);
      return;
    }
    const current = this.#current;
    const outer = current.record;
    current.record = record;
    try {
      const outcome: unknown = this.#processor.process(record);
      if (outcome !== undefined && isThenable(outcome)) this.#await(outcome, record);
    } catch (error) {
      throw this.#wrap(error);
    } finally {
      current.record = outer;
    }
  }

  /** Runs a punctuator of this node's processor. `time` is its record context: no key, no value, the time it is given. */
  punctuate(punctuator: Punctuator, time: StreamRecord<unknown, unknown>): void {
    const current = this.#current;
    current.record = time;
    try {
      const outcome: unknown = punctuator(time.timestampMs);
      if (outcome !== undefined && isThenable(outcome)) this.#await(outcome, time);
    } catch (error) {
      throw this.#wrap(error);
    } finally {
      current.record = null;
    }
  }

  async close(): Promise<void> {
    await this.#processor.close?.();
  }

  #enqueue(record: StreamRecord<unknown, unknown>): void {
    const { maxWaiting } = this.#calls;
    if (this.#calls.waiting >= maxWaiting) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        `more than ${maxWaiting} records wait before async processors: one input record must not lead to more at once. ` +
          'Forward fewer, or raise maxAsyncRecordsPerTask',
        { site: this.#current.site(this.name) },
      );
    }
    this.#calls.waiting++;
    this.#inbox.push(record);
  }

  #await(outcome: PromiseLike<unknown>, record: StreamRecord<unknown, unknown>): void {
    this.running = record;
    this.#calls.begin(record);
    outcome.then(
      () => {
        this.#settled(record);
      },
      (error: unknown) => {
        this.#calls.fail(this.#wrap(error));
        this.#settled(record);
      },
    );
  }

  #settled(record: StreamRecord<unknown, unknown>): void {
    this.running = null;
    if (this.#calls.failure === null) this.#processInbox();
    this.#calls.waiting -= this.#calls.failure === null ? 0 : this.#inbox.splice(0).length;
    this.#calls.end(record);
  }

  #processInbox(): void {
    // An index, since `shift` on each record makes a long inbox slow.
    let done = 0;
    try {
      while (done < this.#inbox.length && this.running === null) {
        const record = this.#inbox[done] as StreamRecord<unknown, unknown>;
        done++;
        this.process(record);
      }
    } catch (error) {
      this.#calls.fail(this.#wrap(error));
    }
    this.#inbox.splice(0, done);
    this.#calls.waiting -= done;
  }

  #wrap(error: unknown): StreamsError {
    if (isStreamsError(error)) {
      return error.site.node === undefined ? error.at(this.#current.site(this.name)) : error;
    }
    return new StreamsError('STREAMS_PROCESSING', `the processor failed: ${messageOf(error)}`, {
      site: this.#current.site(this.name),
      cause: error,
    });
  }
}
