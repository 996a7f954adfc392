import type { Change } from '../common/change.ts';
import { invariant } from '../common/errors.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { Aggregator } from './stream-aggregate.ts';
import { tableForwarder } from './table-forwarder.ts';

export interface TableAggregateOptions<K, V, A> {
  readonly store: string;
  readonly sendOldValues: boolean;
  /** The aggregate of a group's first row. */
  readonly first: (key: K, value: V) => A | null;
  /** Takes a row's new value in. */
  readonly adder: Aggregator<K, V, A>;
  /** Takes a row's old value out. */
  readonly subtractor: Aggregator<K, V, A>;
}

/**
 * Folds the rows of each group of a table into one aggregate, which follows every change of a row: first the old value
 * is taken out, then the new one in. `count`, `reduce` and `aggregate` of a grouped table.
 *
 *     in     StreamRecord<K, Change<V>>
 *     out    StreamRecord<K, Change<A>>
 *     state  TableStore<K, A>
 *
 * Nothing is taken out of a group that has no aggregate. Source: `KTableAggregate`, `KTableReduce`; parity A2, M11.
 */
export function tableAggregate<K, V, A>(
  options: TableAggregateOptions<K, V, A>,
): CreateOperator<K, Change<V>, K, Change<A>> {
  return (context) => new TableAggregate(context, options);
}

class TableAggregate<K, V, A> implements Processor<K, Change<V>> {
  readonly #store: TableStore<K, A>;
  readonly #options: TableAggregateOptions<K, V, A>;

  constructor(
    context: InternalProcessorContext<K, Change<A>>,
    options: TableAggregateOptions<K, V, A>,
  ) {
    const { store, sendOldValues } = options;
    this.#options = options;
    this.#store = context.tableStore(store);
    this.#store.listen(tableForwarder(context), { sendOldValues });
  }

  process({ key, value: change, timestampMs, headers }: StreamRecord<K, Change<V>>): void {
    invariant(key !== null, 'a change without a key came out of a repartition topic');
    const old = this.#store.getOwn(key);
    let aggregate: A | null;
    try {
      aggregate = this.#fold(key, change, old === null ? null : old.value);
    } catch (error) {
      this.#store.disown(key); // a function may have changed the row's object before it failed
      throw error;
    }
    const recentMs = old === null ? timestampMs : Math.max(timestampMs, old.timestampMs);
    this.#store.update(key, aggregate, recentMs, headers);
  }

  #fold(key: K, { newValue, oldValue }: Change<V>, old: A | null): A | null {
    const { first, adder, subtractor } = this.#options;
    const without =
      oldValue === null || old === null
        ? old
        : returned(subtractor(key, oldValue, old), 'subtractor');
    if (newValue === null) return without;
    return without === null
      ? returned(first(key, newValue), 'initializer or adder')
      : returned(adder(key, newValue, without), 'adder');
  }
}
