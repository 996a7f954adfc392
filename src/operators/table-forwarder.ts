import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { TableListener } from '../state/table-store.ts';

/** Hands every change of a table's store on: at once, or when the record cache lets go of the row. */
export function tableForwarder<K, V>(context: ProcessorContext<K, Change<V>>): TableListener<K, V> {
  return (key, newValue, oldValue, timestampMs, headers, isLatest) => {
    const change = new Change(newValue, oldValue, isLatest);
    context.forward(new StreamRecord(key, change, timestampMs, headers));
  };
}
