import type { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import { tableForwarder } from './table-forwarder.ts';

/** Joins two values of one key; may change `aggregate` and return it. Null deletes the row. */
export type Reducer<V> = (aggregate: V, value: V) => V | null;

export interface StreamReduceOptions<V> {
  readonly store: string;
  readonly sendOldValues: boolean;
  readonly reducer: Reducer<V>;
}

/**
 * Folds the values of each key into one of the same type; the first is taken as it is.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<K, Change<V>>
 *     state  TableStore<K, V>
 *
 * A record without a key or a value changes nothing and is dropped. The result is as recent as its most recent record.
 * Source: `KStreamReduce`; parity A1, M11.
 */
export function streamReduce<K, V>(
  options: StreamReduceOptions<V>,
): CreateOperator<K, V, K, Change<V>> {
  return (context) => new StreamReduce(context, options);
}

class StreamReduce<K, V> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<K, Change<V>>;
  readonly #store: TableStore<K, V>;
  readonly #reducer: Reducer<V>;

  constructor(
    context: InternalProcessorContext<K, Change<V>>,
    { store, sendOldValues, reducer }: StreamReduceOptions<V>,
  ) {
    this.#context = context;
    this.#store = context.tableStore(store);
    this.#reducer = reducer;
    this.#store.listen(tableForwarder(context), { sendOldValues });
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key === null) this.#context.drop('null-key');
    else if (record.value === null) this.#context.drop('null-value');
    else this.#update(record);
  }

  #update({ key, value, timestampMs, headers }: StreamRecord<K, V>): void {
    const old = this.#store.getOwn(key);
    if (old === null) {
      this.#store.updateShared(key, value, timestampMs, headers);
      return;
    }
    let reduced: V | null;
    try {
      reduced = returned(this.#reducer(old.value, value), 'reducer');
    } catch (error) {
      this.#store.disown(key); // the reducer may have changed the row's object before it failed
      throw error;
    }
    const recentMs = Math.max(timestampMs, old.timestampMs);
    // The reducer may keep the record's value, which sibling branches of the stream see too.
    if (reduced === value) this.#store.updateShared(key, reduced, recentMs, headers);
    else this.#store.update(key, reduced, recentMs, headers);
  }
}
