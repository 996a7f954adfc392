import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

export type ValueMapper<K, V, VR> = (value: V, key: K) => VR;

/** Gives every record another value; null values reach the mapper. */
export function mapValues<K, V, VR>(mapper: ValueMapper<K, V, VR>): CreateOperator<K, V, K, VR> {
  return (context) => new MapValues(context, mapper);
}

class MapValues<K, V, VR> implements Processor<K, V> {
  readonly #context: ProcessorContext<K, VR>;
  readonly #mapper: ValueMapper<K, V, VR>;

  constructor(context: ProcessorContext<K, VR>, mapper: ValueMapper<K, V, VR>) {
    this.#context = context;
    this.#mapper = mapper;
  }

  process(record: StreamRecord<K, V>): void {
    const value = returned(this.#mapper(record.value, record.key), 'mapper of mapValues()');
    this.#context.forward(new StreamRecord(record.key, value, record.timestampMs, record.headers));
  }
}
