import type { StreamRecord } from '../common/record.ts';
import type {
  CreateFixedKeyProcessor,
  FixedKeyProcessor,
} from '../processor/fixed-key-processor.ts';
import { FixedKeyRecord } from '../processor/fixed-key-record.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';

/** Runs a user's fixed-key processor. Source: KIP-820, `KStreamImpl.processValues`. */
export function processValues<K, V, VR>(
  create: CreateFixedKeyProcessor<K, V, VR>,
): CreateOperator<K, V, K, VR> {
  return (context) => new ProcessValues(create(context.fixedKey()));
}

class ProcessValues<K, V> implements Processor<K, V> {
  readonly #processor: FixedKeyProcessor<K, V>;

  constructor(processor: FixedKeyProcessor<K, V>) {
    this.#processor = processor;
  }

  process(record: StreamRecord<K, V>): void | Promise<void> {
    return this.#processor.process(new FixedKeyRecord(record));
  }

  close(): void | Promise<void> {
    return this.#processor.close?.();
  }
}
