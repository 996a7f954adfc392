import type { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';

/** Passes everything on: where streams merge, in the order in which their records are processed. */
export function passThrough<K, V>(): CreateOperator<K, V, K, V> {
  return (context) => new PassThrough(context);
}

class PassThrough<K, V> implements Processor<K, V> {
  readonly #context: ProcessorContext<K, V>;

  constructor(context: ProcessorContext<K, V>) {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    this.#context.forward(record);
  }
}
