import type { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import { tableForwarder } from './table-forwarder.ts';

export type Initializer<A> = () => A;
/** May change `aggregate` and return it. Null deletes the row; the next record starts from the initializer. */
export type Aggregator<K, V, A> = (key: K, value: V, aggregate: A) => A | null;

export interface StreamAggregateOptions<K, V, A> {
  readonly store: string;
  readonly sendOldValues: boolean;
  /** False where another operator forwards what changes in the store: one does of those that share it. True if left out. */
  readonly forwards?: boolean;
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
}

/**
 * Folds the records of each key into one aggregate: `count`, `aggregate`.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<K, Change<A>>
 *     state  TableStore<K, A>
 *
 * A record without a key or a value changes nothing and is dropped. An aggregate is as recent as its most recent
 * record. Source: `KStreamAggregate`; parity A1, M11.
 */
export function streamAggregate<K, V, A>(
  options: StreamAggregateOptions<K, V, A>,
): CreateOperator<K, V, K, Change<A>> {
  return (context) => new StreamAggregate(context, options);
}

class StreamAggregate<K, V, A> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<K, Change<A>>;
  readonly #store: TableStore<K, A>;
  readonly #initializer: Initializer<A>;
  readonly #aggregator: Aggregator<K, V, A>;

  constructor(
    context: InternalProcessorContext<K, Change<A>>,
    options: StreamAggregateOptions<K, V, A>,
  ) {
    const { store, sendOldValues, forwards = true, initializer, aggregator } = options;
    this.#context = context;
    this.#store = context.tableStore(store);
    this.#initializer = initializer;
    this.#aggregator = aggregator;
    if (forwards) this.#store.listen(tableForwarder(context), { sendOldValues });
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key === null) this.#context.drop('null-key');
    else if (record.value === null) this.#context.drop('null-value');
    else this.#update(record);
  }

  #update({ key, value, timestampMs, headers }: StreamRecord<K, V>): void {
    const old = this.#store.getOwn(key);
    let aggregate: A | null;
    try {
      const before = old === null ? returned(this.#initializer(), 'initializer') : old.value;
      aggregate = returned(this.#aggregator(key, value, before), 'aggregator');
    } catch (error) {
      this.#store.disown(key); // the aggregator may have changed the row's object before it failed
      throw error;
    }
    const recentMs = old === null ? timestampMs : Math.max(timestampMs, old.timestampMs);
    // The aggregator may keep the record's value, which sibling branches of the stream see too.
    if (Object.is(aggregate, value)) this.#store.updateShared(key, aggregate, recentMs, headers);
    else this.#store.update(key, aggregate, recentMs, headers);
  }
}
