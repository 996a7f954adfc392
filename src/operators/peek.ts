import type { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { notPromised } from './returned.ts';

/** Its result means nothing. */
export type ForeachAction<K, V> = (key: K, value: V) => unknown;

/**
 * Shows every record to the action, then passes it on; `foreach` is the same at the end of a stream. What the action
 * does outside is not exactly once: after a failure it sees records again.
 */
export function peek<K, V>(action: ForeachAction<K, V>): CreateOperator<K, V, K, V> {
  return (context) => new Peek(context, action);
}

class Peek<K, V> implements Processor<K, V> {
  readonly #context: ProcessorContext<K, V>;
  readonly #action: ForeachAction<K, V>;

  constructor(context: ProcessorContext<K, V>, action: ForeachAction<K, V>) {
    this.#context = context;
    this.#action = action;
  }

  process(record: StreamRecord<K, V>): void {
    notPromised(this.#action(record.key, record.value), 'action of peek() or foreach()');
    this.#context.forward(record);
  }
}
