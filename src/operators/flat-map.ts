import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import { checkedPair, type KeyValue } from './map.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

export type FlatMapper<K, V, KR, VR> = (key: K, value: V) => Iterable<KeyValue<KR, VR>>;

/** Gives a record for each pair that the mapper returns, in order; none for an empty list. */
export function flatMap<K, V, KR, VR>(
  mapper: FlatMapper<K, V, KR, VR>,
): CreateOperator<K, V, KR, VR> {
  return (context) => new FlatMap(context, mapper);
}

class FlatMap<K, V, KR, VR> implements Processor<K, V> {
  readonly #context: ProcessorContext<KR, VR>;
  readonly #mapper: FlatMapper<K, V, KR, VR>;

  constructor(context: ProcessorContext<KR, VR>, mapper: FlatMapper<K, V, KR, VR>) {
    this.#context = context;
    this.#mapper = mapper;
  }

  process(record: StreamRecord<K, V>): void {
    const { timestampMs, headers } = record;
    for (const pair of returned(this.#mapper(record.key, record.value), 'mapper of flatMap()')) {
      const [key, value] = checkedPair(pair, 'mapper of flatMap()');
      this.#context.forward(new StreamRecord(key, value, timestampMs, headers));
    }
  }
}
