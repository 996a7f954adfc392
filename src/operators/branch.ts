import type { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

/** Where records go: the node of the branch, and for which records; null takes whatever is left. */
export interface BranchTarget<K, V> {
  readonly child: string;
  readonly predicate: ((key: K, value: V) => boolean) | null;
}

/**
 * Hands each record to the first branch whose predicate holds, and drops it without counting where none does, as
 * Kafka Streams.
 *
 *     in, out  StreamRecord<K, V>
 *
 * Source: KIP-418, `KStreamBranch`; parity K7.
 */
export function branch<K, V>(targets: readonly BranchTarget<K, V>[]): CreateOperator<K, V, K, V> {
  return (context) => new Branch(context, targets);
}

class Branch<K, V> implements Processor<K, V> {
  readonly #context: ProcessorContext<K, V>;
  readonly #targets: readonly BranchTarget<K, V>[];

  constructor(context: ProcessorContext<K, V>, targets: readonly BranchTarget<K, V>[]) {
    this.#context = context;
    this.#targets = targets;
  }

  process(record: StreamRecord<K, V>): void {
    for (const { child, predicate } of this.#targets) {
      const holds =
        predicate === null || returned(predicate(record.key, record.value), 'predicate');
      if (!holds) continue;
      this.#context.forward(record, child);
      return;
    }
  }
}
