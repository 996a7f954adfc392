import type { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';

/** Gives the new value of every change of a table; null where a row was deleted. */
export function tableToStream<K, V>(): CreateOperator<K, Change<V>, K, V | null> {
  return (context) => new TableToStream(context);
}

class TableToStream<K, V> implements Processor<K, Change<V>> {
  readonly #context: ProcessorContext<K, V | null>;

  constructor(context: ProcessorContext<K, V | null>) {
    this.#context = context;
  }

  process(record: StreamRecord<K, Change<V>>): void {
    this.#context.forward(record.withValue(record.value.newValue));
  }
}
