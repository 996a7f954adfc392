import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

export type FlatValueMapper<K, V, VR> = (value: V, key: K) => Iterable<VR>;

/** Gives a record for each value that the mapper returns, in order; none for an empty list. */
export function flatMapValues<K, V, VR>(
  mapper: FlatValueMapper<K, V, VR>,
): CreateOperator<K, V, K, VR> {
  return (context) => new FlatMapValues(context, mapper);
}

class FlatMapValues<K, V, VR> implements Processor<K, V> {
  readonly #context: ProcessorContext<K, VR>;
  readonly #mapper: FlatValueMapper<K, V, VR>;

  constructor(context: ProcessorContext<K, VR>, mapper: FlatValueMapper<K, V, VR>) {
    this.#context = context;
    this.#mapper = mapper;
  }

  process(record: StreamRecord<K, V>): void {
    const { key, timestampMs, headers } = record;
    for (const value of returned(this.#mapper(record.value, key), 'mapper of flatMapValues()')) {
      returned(value, 'mapper of flatMapValues()');
      this.#context.forward(new StreamRecord(key, value, timestampMs, headers));
    }
  }
}
