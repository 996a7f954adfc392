import type { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { CreateOperator } from './operator.ts';
import { tableForwarder } from './table-forwarder.ts';

export interface TableMergeOptions {
  readonly store: string;
  readonly sendOldValues: boolean;
}

/**
 * Keeps what the two sides of a join of tables give as one table.
 *
 *     in, out  StreamRecord<K, Change<V>>
 *     state    TableStore<K, V>
 *
 * Source: `KTableKTableJoinMerger`.
 */
export function tableMerge<K, V>(
  options: TableMergeOptions,
): CreateOperator<K, Change<V>, K, Change<V>> {
  return (context) => new TableMerge(context, options);
}

class TableMerge<K, V> implements Processor<K, Change<V>> {
  readonly #store: TableStore<K, V>;

  constructor(
    context: InternalProcessorContext<K, Change<V>>,
    { store, sendOldValues }: TableMergeOptions,
  ) {
    this.#store = context.tableStore(store);
    this.#store.listen(tableForwarder(context), { sendOldValues });
  }

  process({ key, value: { newValue }, timestampMs, headers }: StreamRecord<K, Change<V>>): void {
    // The joiner may have taken parts of values that others see too.
    this.#store.updateShared(key, newValue, timestampMs, headers);
  }
}
