import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { TableStore } from '../state/table-store.ts';
import type { CreateOperator } from './operator.ts';

/** Keeps a global table: every record replaces the row of its key, null deletes it; one without a key is dropped. */
export function globalTableSource<K, V>(store: string): CreateOperator<K, V | null, never, never> {
  return (context) => new GlobalTableSource(context, context.tableStore<K, V>(store));
}

class GlobalTableSource<K, V> implements Processor<K, V | null> {
  readonly #context: InternalProcessorContext<never, never>;
  readonly #store: TableStore<K, V>;

  constructor(context: InternalProcessorContext<never, never>, store: TableStore<K, V>) {
    this.#context = context;
    this.#store = store;
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, V | null>): void {
    if (key === null) this.#context.drop('null-key');
    else this.#store.update(key, value, timestampMs, headers);
  }
}
