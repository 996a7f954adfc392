import type { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

/** Truthiness decides, as everywhere in JavaScript. */
export type Predicate<K, V> = (key: K, value: V) => unknown;

export interface FilterOptions<K, V> {
  readonly predicate: Predicate<K, V>;
  /** Whether records pass for which the predicate holds, or the others. */
  readonly keep: boolean;
}

/** Passes on the records that the predicate lets through, as they are; it sees null keys and values too. */
export function filter<K, V>(options: FilterOptions<K, V>): CreateOperator<K, V, K, V> {
  return (context) => new Filter(context, options);
}

class Filter<K, V> implements Processor<K, V> {
  readonly #context: ProcessorContext<K, V>;
  readonly #predicate: Predicate<K, V>;
  readonly #keep: boolean;

  constructor(context: ProcessorContext<K, V>, { predicate, keep }: FilterOptions<K, V>) {
    this.#context = context;
    this.#predicate = predicate;
    this.#keep = keep;
  }

  process(record: StreamRecord<K, V>): void {
    const holds = returned(this.#predicate(record.key, record.value), 'predicate');
    if (Boolean(holds) === this.#keep) this.#context.forward(record);
  }
}
