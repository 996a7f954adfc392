import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { SessionWindows } from '../common/session-windows.ts';
import { Windowed } from '../common/windowed.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { SessionBounds, SessionTableStore } from '../state/session-table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { Aggregator, Initializer } from './stream-aggregate.ts';
import { WindowClose, type EmitStrategy } from './window-close.ts';

/** Makes one aggregate of two: of what comes before, and of a session that it is merged with. */
export type Merger<K, A> = (key: K, aggregate: A, session: A) => A | null;

export interface SessionAggregateOptions<K, V, A> {
  readonly store: string;
  readonly windows: SessionWindows;
  readonly emit: EmitStrategy;
  readonly sendOldValues: boolean;
  /** False where another operator forwards what changes in the store: one does of those that share it. True if left out. */
  readonly forwards?: boolean;
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
  readonly merger: Merger<K, A>;
}

/**
 * Folds the records of each key into one aggregate per session.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<Windowed<K>, Change<A>>, with the end of the session as their time: on window update, a
 *            deletion of each session that the record's is merged with, then the merged session; on window close, each
 *            session of any key that has closed, by end, then start, then key
 *     state  SessionTableStore<K, A>, with a time index for the latter
 *
 * A record is merged with every session of its key that is no further than the gap from it, both bounds included. The
 * merged session has closed when stream time passes its end by more than gap and grace together: then the record is
 * dropped, as `late`, so a late record that falls into a session which is open counts. A record without a key is dropped
 * before it can move stream time; a null value reaches the aggregator.
 *
 * The aggregate of the merged session: the merger folds the sessions, by end, into what the initializer gives, and the
 * aggregator folds the record into that.
 *
 * Source: KIP-94, KIP-825, `KStreamSessionWindowAggregate`; parity W7-W10, trap 5.
 */
export function sessionAggregate<K, V, A>(
  options: SessionAggregateOptions<K, V, A>,
): CreateOperator<K, V, Windowed<K>, Change<A>> {
  return (context) => new SessionAggregate(context, options);
}

class SessionAggregate<K, V, A> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<Windowed<K>, Change<A>>;
  readonly #store: SessionTableStore<K, A>;
  readonly #windows: SessionWindows;
  readonly #initializer: Initializer<A>;
  readonly #aggregator: Aggregator<K, V, A>;
  readonly #merger: Merger<K, A>;
  readonly #close: WindowClose | null;
  #streamTimeMs = -1;

  constructor(
    context: InternalProcessorContext<Windowed<K>, Change<A>>,
    options: SessionAggregateOptions<K, V, A>,
  ) {
    const {
      store,
      windows,
      emit,
      sendOldValues,
      forwards = true,
      initializer,
      aggregator,
      merger,
    } = options;
    this.#context = context;
    this.#store = context.sessionTableStore(store);
    this.#windows = windows;
    this.#initializer = initializer;
    this.#aggregator = aggregator;
    this.#merger = merger;
    this.#close = emit === 'onWindowClose' ? new WindowClose(context, store) : null;
    if (emit === 'onWindowClose' || !forwards) return;
    this.#store.listen(
      (key, startMs, endMs, newValue, oldValue, _timestampMs, headers) => {
        const windowed = new Windowed(key, startMs, endMs);
        const change = new Change(newValue, oldValue);
        context.forward(new StreamRecord(windowed, change, endMs, headers));
      },
      { sendOldValues },
    );
  }

  process(record: StreamRecord<K, V>): void {
    const { key, timestampMs } = record;
    if (key === null) {
      this.#context.drop('null-key');
      return;
    }
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;
    const { gapMs, graceMs } = this.#windows;
    const closeMs = this.#streamTimeMs - graceMs - gapMs;

    const sessions = this.#store.findSessions(key, timestampMs - gapMs, timestampMs + gapMs);
    let startMs = timestampMs;
    let endMs = timestampMs;
    for (const session of sessions) {
      if (session.startMs < startMs) startMs = session.startMs;
      if (session.endMs > endMs) endMs = session.endMs;
    }
    if (endMs < closeMs) this.#context.drop('late');
    else this.#merge(record, sessions, { startMs, endMs });
    if (this.#close !== null) this.#emitClosed(record, closeMs, this.#close);
  }

  #merge(
    record: StreamRecord<K, V>,
    sessions: readonly SessionBounds[],
    { startMs, endMs }: SessionBounds,
  ): void {
    const { key, value, headers } = record;
    let aggregate: A | null;
    try {
      aggregate = this.#fold(record, sessions);
    } catch (error) {
      // A function may have changed the objects of the sessions before it failed.
      for (const session of sessions) this.#store.disown(key, session.startMs, session.endMs);
      throw error;
    }
    // A session of this one time alone is updated in place, as in Kafka Streams; any other is deleted first.
    if (startMs !== endMs) {
      for (const session of sessions) {
        this.#store.update(key, session.startMs, session.endMs, null, session.endMs, headers);
      }
    }
    // The aggregator may keep the record's value, which sibling branches see too.
    if (Object.is(aggregate, value)) {
      this.#store.updateShared(key, startMs, endMs, aggregate, endMs, headers);
    } else {
      this.#store.update(key, startMs, endMs, aggregate, endMs, headers);
    }
  }

  #fold({ key, value }: StreamRecord<K, V>, sessions: readonly SessionBounds[]): A | null {
    let aggregate: A | null = returned(this.#initializer(), 'initializer');
    for (const { startMs, endMs } of sessions) {
      const own = this.#store.getOwn(key, startMs, endMs);
      if (own === null) continue;
      // Null is for the functions to deal with, as in Kafka Streams; their types say so where it can occur.
      aggregate = returned(this.#merger(key, aggregate as A, own), 'merger');
    }
    return returned(this.#aggregator(key, value, aggregate as A), 'aggregator');
  }

  #emitClosed({ headers }: StreamRecord<K, V>, closeMs: number, close: WindowClose): void {
    if (!close.takeLook(closeMs)) return;
    const fromMs = Math.max(0, close.emittedToMs);
    const toMs = closeMs - 1; // a session that ends at `closeMs` takes records still
    if (toMs < fromMs) return;
    for (const { key, startMs, endMs, value } of this.#store.endedIn(fromMs, toMs)) {
      const change = new Change(value, null);
      this.#context.forward(
        new StreamRecord(new Windowed(key, startMs, endMs), change, endMs, headers),
      );
    }
    close.emitted(closeMs);
  }
}
