import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { JoinStore } from '../state/join-store.ts';
import type { CreateOperator } from './operator.ts';

/**
 * Keeps the records of one side of a stream-stream join for records of the other side that come later.
 *
 *     in, out  StreamRecord<K, V>
 *     state    JoinStore<K, V>
 *
 * A record is joined before it is kept, so that it does not find itself where a stream is joined with itself. One without
 * a key is not kept, since nothing finds it. Source: `KStreamJoinWindow`; parity J1, trap 14.
 */
export function joinWindow<K, V>(store: string): CreateOperator<K, V, K, V> {
  return (context) => new JoinWindow(context, context.joinStore<K, V>(store));
}

class JoinWindow<K, V> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<K, V>;
  readonly #store: JoinStore<K, V>;

  constructor(context: InternalProcessorContext<K, V>, store: JoinStore<K, V>) {
    this.#context = context;
    this.#store = store;
  }

  process(record: StreamRecord<K, V>): void {
    this.#context.forward(record);
    const { key, value, timestampMs } = record;
    if (key !== null) this.#store.put(key, value, timestampMs);
  }
}
