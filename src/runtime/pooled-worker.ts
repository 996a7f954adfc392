import { receiveError, type TransferredError } from '../common/error-transfer.ts';
import { StreamsError } from '../common/errors.ts';
import type {
  FromWorker,
  SpawnWorker,
  ToWorker,
  WorkerHandle,
  WorkerStart,
} from './worker-messages.ts';

/** What a worker tells beside the steps of its own life. */
export type WorkerNews = Exclude<
  FromWorker,
  { readonly kind: 'opened' | 'ended' | 'left' | 'closed' }
>;

export interface PooledWorkerOptions {
  readonly spawn: SpawnWorker;
  readonly start: WorkerStart;
  readonly onNews: (news: WorkerNews) => void;
  /** It is gone; called once, before anything that waits for it is told. */
  readonly onGone: () => void;
}

/**
 * One worker of the pool, and how far it is in its life. Whatever waits for a step of a worker that dies before it is told
 * so with `STREAMS_WORKER_DIED`.
 */
export class PooledWorker {
  readonly index: number;
  readonly #handle: WorkerHandle;
  readonly #onNews: (news: WorkerNews) => void;
  readonly #onGone: () => void;
  readonly #opened = new Step();
  readonly #ended = new Step();
  readonly #left = new Step();
  readonly #closed = new Step();
  #isRunning = false;
  #hasEnded = false;
  #hasRun = false;
  #isGone = false;

  constructor({ spawn, start, onNews, onGone }: PooledWorkerOptions) {
    this.index = start.index;
    this.#onNews = onNews;
    this.#onGone = onGone;
    this.#handle = spawn(start, {
      message: (message) => {
        this.#hear(message);
      },
      exit: (error) => {
        this.#die(error);
      },
    });
  }

  /** Resolves when it is connected; rejects with what kept it from that. */
  get opened(): Promise<void> {
    return this.#opened.reached;
  }

  /** Resolves after `stop`; rejects with what made it fail. */
  get ended(): Promise<void> {
    return this.#ended.reached;
  }

  /** All tasks that it was given run. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get hasRun(): boolean {
    return this.#hasRun;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  send(message: ToWorker): void {
    if (!this.#isGone) this.#handle.send(message);
  }

  async leaveGroup(): Promise<void> {
    this.send({ kind: 'leaveGroup' });
    await this.#left.reached;
  }

  /** Resolves when it has closed what it had open, or is gone. */
  async close(): Promise<void> {
    this.send({ kind: 'close' });
    await this.#closed.reached.catch(() => undefined);
  }

  async terminate(): Promise<void> {
    await this.#handle.terminate();
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'opened':
        this.#opened.reach(null);
        break;
      case 'ended':
        this.#isRunning = false;
        this.#hasEnded = true;
        this.#opened.reach(message.error);
        this.#ended.reach(message.error);
        break;
      case 'left':
        this.#left.reach(message.error);
        break;
      case 'closed':
        this.#closed.reach(null);
        break;
      default:
        if (message.kind === 'running') {
          this.#isRunning = message.running;
          this.#hasRun ||= message.running;
        }
        this.#onNews(message);
    }
  }

  #die(cause: Error): void {
    this.#isGone = true;
    this.#isRunning = false;
    this.#onGone();
    const died = new StreamsError(
      'STREAMS_WORKER_DIED',
      `worker thread ${this.index} has ended by itself: its cause says why; what it had not committed is processed again`,
      { cause },
    );
    for (const step of [this.#opened, this.#ended, this.#left, this.#closed]) step.fail(died);
  }
}

/** A step of a worker's life that somebody may wait for. */
class Step {
  readonly reached: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor() {
    this.reached = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever does not wait for it is not told.
    this.reached.catch(() => undefined);
  }

  reach(error: TransferredError | null): void {
    if (error === null) this.#resolve();
    else this.#reject(receiveError(error));
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}
