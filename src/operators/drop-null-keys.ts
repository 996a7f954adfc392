import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';

/**
 * In front of a repartition topic: a record without a key has no partition that operators by key could rely on.
 *
 * Drops it and counts it as `null-key`, where Kafka Streams drops it silently. Source: parity K16, trap 58.
 */
export function dropNullKeys<K, V>(): CreateOperator<K, V, K, V> {
  return (context) => new DropNullKeys(context);
}

class DropNullKeys<K, V> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<K, V>;

  constructor(context: InternalProcessorContext<K, V>) {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key === null) this.#context.drop('null-key');
    else this.#context.forward(record);
  }
}
