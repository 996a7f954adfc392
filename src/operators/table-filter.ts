import { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { FilterOptions } from './filter.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import { tableForwarder } from './table-forwarder.ts';
import type { TableView } from './table-view.ts';

export interface TableFilterOptions<K, V> extends FilterOptions<K, V> {
  /** Null where the rows are not kept. */
  readonly store: string | null;
  readonly sendOldValues: boolean;
  /** Whether the table it comes from keeps versions: then what was filtered out is a version too. */
  readonly versioned: boolean;
}

/**
 * The rows of a table for which a predicate holds. A row for which it does not is deleted downstream; where the value
 * before is known and was filtered out too, nothing is forwarded, unless the table keeps versions, among which the deletion
 * has its time. A deletion does not reach the predicate.
 *
 *     in, out  StreamRecord<K, Change<V>>
 *     state    TableStore<K, V>, if any
 *
 * Source: KIP-914, `KTableFilter`; parity T1, trap 22.
 */
export function tableFilter<K, V>(
  options: TableFilterOptions<K, V>,
): CreateOperator<K, Change<V>, K, Change<V>> {
  return (context) => new TableFilter(context, options);
}

class TableFilter<K, V> implements Processor<K, Change<V>> {
  readonly #context: InternalProcessorContext<K, Change<V>>;
  readonly #store: TableStore<K, V> | null;
  readonly #options: TableFilterOptions<K, V>;

  constructor(context: InternalProcessorContext<K, Change<V>>, options: TableFilterOptions<K, V>) {
    const { store, sendOldValues } = options;
    this.#context = context;
    this.#options = options;
    this.#store = store === null ? null : context.tableStore(store);
    this.#store?.listen(tableForwarder(context), { sendOldValues });
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs, headers } = record;
    const newValue = filtered(this.#options, key, change.newValue);
    const oldValue = this.#oldValue(key, change);
    const { sendOldValues, versioned } = this.#options;
    if (!versioned && sendOldValues && oldValue === null && newValue === null) return;
    if (this.#store === null)
      this.#context.forward(record.withValue(new Change(newValue, oldValue, change.isLatest)));
    // Other operators of the table it comes from see the same value.
    else this.#store.updateShared(key, newValue, timestampMs, headers);
  }

  #oldValue(key: K, change: Change<V>): V | null {
    if (!this.#options.sendOldValues) return null;
    if (this.#store === null) return filtered(this.#options, key, change.oldValue);
    return this.#store.get(key)?.value ?? null;
  }
}

function filtered<K, V>(
  { predicate, keep }: FilterOptions<K, V>,
  key: K,
  value: V | null,
): V | null {
  if (value === null) return null;
  return Boolean(returned(predicate(key, value), 'predicate')) === keep ? value : null;
}

/** Reads a filtered table that is not kept, through the table it comes from. */
export function filteredView<K, V>(
  parent: TableView<K, V>,
  options: FilterOptions<K, V>,
): TableView<K, V> {
  return {
    stores: parent.stores,
    open(context) {
      const rowOf = parent.open(context);
      return (key, asOfMs) => {
        const row = rowOf(key, asOfMs);
        return row === null || filtered(options, key, row.value) === null ? null : row;
      };
    },
  };
}
