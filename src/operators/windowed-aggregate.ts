import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { TimeWindows } from '../common/time-windows.ts';
import { Windowed } from '../common/windowed.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { WindowTableStore } from '../state/window-table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { Aggregator, Initializer } from './stream-aggregate.ts';

export interface WindowedAggregateOptions<K, V, A> {
  readonly store: string;
  readonly windows: TimeWindows;
  readonly sendOldValues: boolean;
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
}

/**
 * Folds the records of each key into one aggregate per tumbling or hopping window.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<Windowed<K>, Change<A>>, one for each open window the record falls in
 *     state  WindowTableStore<K, A>
 *
 * Stream time is the highest timestamp this operator has seen, the current record's included. A window closes when
 * stream time reaches its end plus the grace period; a record is dropped for each of its windows that has closed, as
 * `late`. A record without a key is dropped before it can move stream time. A null value reaches the aggregator: so
 * does the code of Kafka Streams, against its documents.
 *
 * Source: KIP-328, KIP-633, `KStreamWindowAggregate`; parity W1-W3, W15.
 */
export function windowedAggregate<K, V, A>(
  options: WindowedAggregateOptions<K, V, A>,
): CreateOperator<K, V, Windowed<K>, Change<A>> {
  return (context) => new WindowedAggregate(context, options);
}

class WindowedAggregate<K, V, A> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<Windowed<K>, Change<A>>;
  readonly #store: WindowTableStore<K, A>;
  readonly #windows: TimeWindows;
  readonly #initializer: Initializer<A>;
  readonly #aggregator: Aggregator<K, V, A>;
  #streamTimeMs = -1;

  constructor(
    context: InternalProcessorContext<Windowed<K>, Change<A>>,
    { store, windows, sendOldValues, initializer, aggregator }: WindowedAggregateOptions<K, V, A>,
  ) {
    this.#context = context;
    this.#store = context.windowTableStore(store);
    this.#windows = windows;
    this.#initializer = initializer;
    this.#aggregator = aggregator;
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
