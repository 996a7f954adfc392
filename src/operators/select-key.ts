import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

export type KeySelector<K, V, KR> = (key: K, value: V) => KR;

/** Gives every record another key. */
export function selectKey<K, V, KR>(selector: KeySelector<K, V, KR>): CreateOperator<K, V, KR, V> {
  return (context) => new SelectKey(context, selector);
}

class SelectKey<K, V, KR> implements Processor<K, V> {
  readonly #context: ProcessorContext<KR, V>;
  readonly #selector: KeySelector<K, V, KR>;

  constructor(context: ProcessorContext<KR, V>, selector: KeySelector<K, V, KR>) {
    this.#context = context;
    this.#selector = selector;
  }

  process(record: StreamRecord<K, V>): void {
    const key = returned(this.#selector(record.key, record.value), 'key selector');
    this.#context.forward(new StreamRecord(key, record.value, record.timestampMs, record.headers));
  }
}
