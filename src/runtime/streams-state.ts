import { invariant } from '../common/errors.ts';

/**
 * Where an instance is in its life, with Kafka Streams' names.
 *
 *     CREATED ──► REBALANCING ◄──► RUNNING          REBALANCING while any task is not running yet
 *        │             │              │
 *        │             └──────┬───────┤
 *        ▼                    ▼       ▼
 *     PENDING_SHUTDOWN ◄──────┘   PENDING_ERROR
 *        ▼                            ▼
 *     NOT_RUNNING                   ERROR
 */
export type StreamsState =
  | 'CREATED'
  | 'REBALANCING'
  | 'RUNNING'
  | 'PENDING_SHUTDOWN'
  | 'NOT_RUNNING'
  | 'PENDING_ERROR'
  | 'ERROR';

/** Told after each change of state. */
export type StateListener = (newState: StreamsState, oldState: StreamsState) => void;

const NEXT: Readonly<Record<StreamsState, readonly StreamsState[]>> = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
};

/**
 * The state of one instance and who wants to know. A listener that throws is reported to `onListenerError` and stops
 * nothing: the others are still called.
 *
 * Source: `org.apache.kafka.streams.KafkaStreams.State`.
 */
export class StreamsStateMachine {
  readonly #listeners = new Set<StateListener>();
  readonly #onListenerError: (error: unknown) => void;
  #state: StreamsState = 'CREATED';

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  get state(): StreamsState {
    return this.#state;
  }

  /** True where tasks may be running. */
  get isActive(): boolean {
    return this.#state === 'REBALANCING' || this.#state === 'RUNNING';
  }

  /** Returns the function that takes the listener away. */
  onChange(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  canMoveTo(next: StreamsState): boolean {
    return NEXT[this.#state].includes(next);
  }

  /** Moving to the state it is in is no move. Any other illegal move is a bug of ours. */
  moveTo(next: StreamsState): void {
    const old = this.#state;
    if (old === next) return;
    invariant(this.canMoveTo(next), `state ${old} cannot become ${next}`);
    this.#state = next;
    for (const listener of [...this.#listeners]) {
      try {
        listener(next, old);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}
