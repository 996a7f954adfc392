import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import { Windowed } from '../common/windowed.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { WindowTableStore } from '../state/window-table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { Aggregator, Initializer } from './stream-aggregate.ts';
import { WindowClose, type EmitStrategy } from './window-close.ts';

/** Windows whose starts can be told from a time: tumbling, hopping and unlimited ones. */
export interface EnumerableWindows {
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
  /** Start of the earliest window that holds a time; the others follow every `advanceMs` up to that time. */
  firstStartMs(timestampMs: number): number;
}

export interface WindowedAggregateOptions<K, V, A> {
  readonly store: string;
  readonly windows: EnumerableWindows;
  readonly emit: EmitStrategy;
  readonly sendOldValues: boolean;
  /** False where another operator forwards what changes in the store: one does of those that share it. True if left out. */
  readonly forwards?: boolean;
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
}

/**
 * Folds the records of each key into one aggregate per tumbling, hopping or unlimited window.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<Windowed<K>, Change<A>>: on window update, one for each open window the record falls in;
 *            on window close, one for each window of any key that stream time has closed, by start, then key
 *     state  WindowTableStore<K, A>, with a time index for the latter
 *
 * Stream time is the highest timestamp this operator has seen, the current record's included. A window closes when
 * stream time reaches its end plus the grace period; a record is dropped for each of its windows that has closed, as
 * `late`. A record without a key is dropped before it can move stream time. A null value reaches the aggregator: so
 * does the code of Kafka Streams, against its documents.
 *
 * Source: KIP-328, KIP-633, KIP-825, `KStreamWindowAggregate`; parity W1-W3, W15, W18.
 */
export function windowedAggregate<K, V, A>(
  options: WindowedAggregateOptions<K, V, A>,
): CreateOperator<K, V, Windowed<K>, Change<A>> {
  return (context) => new WindowedAggregate(context, options);
}

class WindowedAggregate<K, V, A> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<Windowed<K>, Change<A>>;
  readonly #store: WindowTableStore<K, A>;
  readonly #windows: EnumerableWindows;
  readonly #close: WindowClose | null;
  readonly #initializer: Initializer<A>;
  readonly #aggregator: Aggregator<K, V, A>;
  #streamTimeMs = -1;

  constructor(
    context: InternalProcessorContext<Windowed<K>, Change<A>>,
    options: WindowedAggregateOptions<K, V, A>,
  ) {
    const {
      store,
      windows,
      emit,
      sendOldValues,
      forwards = true,
      initializer,
      aggregator,
    } = options;
    this.#context = context;
    this.#store = context.windowTableStore(store);
    this.#close = emit === 'onWindowClose' ? new WindowClose(context, store) : null;
    this.#windows = windows;
    this.#initializer = initializer;
    this.#aggregator = aggregator;
    if (emit === 'onWindowClose' || !forwards) return;
    this.#store.listen(
      (key, startMs, newValue, oldValue, timestampMs, headers) => {
        const windowed = new Windowed(key, startMs, startMs + windows.sizeMs);
        const change = new Change(newValue, oldValue);
        context.forward(new StreamRecord(windowed, change, timestampMs, headers));
      },
      { sendOldValues },
    );
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key === null) {
      this.#context.drop('null-key');
      return;
    }
    const { timestampMs } = record;
    const { sizeMs, graceMs, advanceMs } = this.#windows;
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;

    let startMs = this.#windows.firstStartMs(timestampMs);
    for (; startMs <= timestampMs; startMs += advanceMs) {
      if (this.#streamTimeMs < startMs + sizeMs + graceMs) this.#update(record, startMs);
      else this.#context.drop('late');
    }
    if (this.#close !== null) this.#emitClosed(record, this.#close);
  }

  #emitClosed({ headers }: StreamRecord<K, V>, close: WindowClose): void {
    const { sizeMs, graceMs, advanceMs } = this.#windows;
    const closeMs = this.#streamTimeMs - graceMs;
    if (!close.takeLook(closeMs)) return;
    const { emittedToMs } = close;
    // A window that ends at `emittedToMs` has been emitted, one that ends at `closeMs` is due.
    const fromMs = emittedToMs < 0 ? 0 : Math.max(0, emittedToMs - sizeMs) + 1;
    const toMs = closeMs - sizeMs;
    if (Math.floor(toMs / advanceMs) * advanceMs < fromMs) return;
    for (const { key, windowStartMs, value, timestampMs } of this.#store.startedIn(fromMs, toMs)) {
      const windowed = new Windowed(key, windowStartMs, windowStartMs + sizeMs);
      const change = new Change(value, null);
      this.#context.forward(new StreamRecord(windowed, change, timestampMs, headers));
    }
    close.emitted(closeMs);
  }

  #update({ key, value, timestampMs, headers }: StreamRecord<K, V>, startMs: number): void {
    const old = this.#store.getOwn(key, startMs);
    let aggregate: A | null;
    try {
      const before = old === null ? returned(this.#initializer(), 'initializer') : old.value;
      aggregate = returned(this.#aggregator(key, value, before), 'aggregator');
    } catch (error) {
      this.#store.disown(key, startMs); // the aggregator may have changed the row's object before it failed
      throw error;
    }
    // As recent as the most recent record, whatever order they came in.
    const recentMs = old === null ? timestampMs : Math.max(timestampMs, old.timestampMs);
    // The aggregator may keep the record's value, which sibling branches and its other windows see too.
    if (Object.is(aggregate, value)) {
      this.#store.updateShared(key, startMs, aggregate, recentMs, headers);
    } else {
      this.#store.update(key, startMs, aggregate, recentMs, headers);
    }
  }
}
