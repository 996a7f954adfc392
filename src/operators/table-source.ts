import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { CreateOperator } from './operator.ts';
import { tableForwarder } from './table-forwarder.ts';

export interface TableSourceOptions {
  /** Null where nothing needs the rows: then updates only pass through. */
  readonly store: string | null;
  readonly sendOldValues: boolean;
  /** Whether others see the same values: sibling branches of the stream that becomes a table. */
  readonly sharedValues: boolean;
}

/**
 * Reads a topic as a table: every record replaces the row of its key, a null value deletes it.
 *
 *     in     StreamRecord<K, V | null>
 *     out    StreamRecord<K, Change<V>>
 *     state  TableStore<K, V>, if any
 *
 * Updates apply in the order of their offsets, an older timestamp or an equal value notwithstanding. A record without a
 * key is dropped. Source: `KTableSource`; parity T9.
 */
export function tableSource<K, V>(
  options: TableSourceOptions,
): CreateOperator<K, V | null, K, Change<V>> {
  return (context) =>
    options.store === null
      ? new PassingTableSource(context)
      : new StoredTableSource(context, context.tableStore<K, V>(options.store), options);
}

class StoredTableSource<K, V> implements Processor<K, V | null> {
  readonly #context: InternalProcessorContext<K, Change<V>>;
  readonly #store: TableStore<K, V>;
  readonly #sharedValues: boolean;

  constructor(
    context: InternalProcessorContext<K, Change<V>>,
    store: TableStore<K, V>,
    { sendOldValues, sharedValues }: TableSourceOptions,
  ) {
    this.#context = context;
    this.#store = store;
    this.#sharedValues = sharedValues;
    store.listen(tableForwarder(context), { sendOldValues });
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, V | null>): void {
    if (key === null) this.#context.drop('null-key');
    else if (this.#sharedValues) this.#store.updateShared(key, value, timestampMs, headers);
    else this.#store.update(key, value, timestampMs, headers);
  }
}

class PassingTableSource<K, V> implements Processor<K, V | null> {
  readonly #context: InternalProcessorContext<K, Change<V>>;

  constructor(context: InternalProcessorContext<K, Change<V>>) {
    this.#context = context;
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, V | null>): void {
    if (key === null) this.#context.drop('null-key');
    else
      this.#context.forward(new StreamRecord(key, new Change(value, null), timestampMs, headers));
  }
}
