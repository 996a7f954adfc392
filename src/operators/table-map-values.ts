import { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { ValueMapper } from './map-values.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import { tableForwarder } from './table-forwarder.ts';
import type { TableView } from './table-view.ts';

export interface TableMapValuesOptions<K, V, VR> {
  readonly mapper: ValueMapper<K, V, VR | null>;
  /** Null where the rows are not kept. */
  readonly store: string | null;
  readonly sendOldValues: boolean;
}

/**
 * A table with other values. A deletion stays one and does not reach the mapper; the mapper may delete by null.
 *
 *     in     StreamRecord<K, Change<V>>
 *     out    StreamRecord<K, Change<VR>>
 *     state  TableStore<K, VR>, if any
 *
 * Source: `KTableMapValues`; parity T2.
 */
export function tableMapValues<K, V, VR>(
  options: TableMapValuesOptions<K, V, VR>,
): CreateOperator<K, Change<V>, K, Change<VR>> {
  return (context) => new TableMapValues(context, options);
}

class TableMapValues<K, V, VR> implements Processor<K, Change<V>> {
  readonly #context: InternalProcessorContext<K, Change<VR>>;
  readonly #store: TableStore<K, VR> | null;
  readonly #options: TableMapValuesOptions<K, V, VR>;

  constructor(
    context: InternalProcessorContext<K, Change<VR>>,
    options: TableMapValuesOptions<K, V, VR>,
  ) {
    const { store, sendOldValues } = options;
    this.#context = context;
    this.#options = options;
    this.#store = store === null ? null : context.tableStore(store);
    this.#store?.listen(tableForwarder(context), { sendOldValues });
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs, headers } = record;
    const { mapper, sendOldValues } = this.#options;
    const newValue = mapped(mapper, key, change.newValue);
    if (this.#store !== null) {
      // The mapper may have taken parts of a value that others see too.
      this.#store.updateShared(key, newValue, timestampMs, headers);
      return;
    }
    const oldValue = sendOldValues ? mapped(mapper, key, change.oldValue) : null;
    this.#context.forward(record.withValue(new Change(newValue, oldValue, change.isLatest)));
  }
}

function mapped<K, V, VR>(
  mapper: ValueMapper<K, V, VR | null>,
  key: K,
  value: V | null,
): VR | null {
  return value === null ? null : returned(mapper(value, key), 'mapper of mapValues()');
}

/** Reads a mapped table that is not kept, through the table it comes from: the mapper runs for every read. */
export function mappedView<K, V, VR>(
  parent: TableView<K, V>,
  mapper: ValueMapper<K, V, VR | null>,
): TableView<K, VR> {
  return {
    stores: parent.stores,
    open(context) {
      const rowOf = parent.open(context);
      return (key, asOfMs) => {
        const row = rowOf(key, asOfMs);
        const value = row === null ? null : mapped(mapper, key, row.value);
        return row === null || value === null ? null : { value, timestampMs: row.timestampMs };
      };
    },
  };
}
