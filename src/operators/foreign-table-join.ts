import type { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { Subscription, SubscriptionResponse } from '../serde/subscription-serde.ts';
import type { SubscriptionStore } from '../state/subscription-store.ts';
import type { CreateOperator } from './operator.ts';

/**
 * Tells every row of the left table that points to a row of the right one what that has become.
 *
 *     in     StreamRecord<FK, Change<V>>
 *     out    StreamRecord<PK, SubscriptionResponse<V>>, one for each subscription, by the bytes of their primary keys
 *     reads  SubscriptionStore<FK, PK, Subscription<PK>>
 *
 * The results have the time of the change alone, so that they can be older than the left row, as in Kafka Streams. All
 * subscriptions of a row are answered at once, however many there are.
 *
 * Source: KIP-213, `ForeignTableJoinProcessorSupplier`; parity J22, M15, trap 55.
 */
export function foreignTableJoin<FK, PK, V>(
  store: string,
): CreateOperator<FK, Change<V>, PK, SubscriptionResponse<V>> {
  return (context) => new ForeignTableJoin(context, context.subscriptionStore(store));
}

class ForeignTableJoin<FK, PK, V> implements Processor<FK, Change<V>> {
  readonly #context: ProcessorContext<PK, SubscriptionResponse<V>>;
  readonly #store: SubscriptionStore<FK, PK, Subscription<PK>>;

  constructor(
    context: ProcessorContext<PK, SubscriptionResponse<V>>,
    store: SubscriptionStore<FK, PK, Subscription<PK>>,
  ) {
    this.#context = context;
    this.#store = store;
  }

  process({ key, value: change, timestampMs, headers }: StreamRecord<FK, Change<V>>): void {
    const foreignValue = change.newValue;
    for (const { primaryKey, value } of this.#store.prefix(key)) {
      const { hash, primaryPartition } = value;
      const response = { hash, foreignValue, primaryPartition };
      this.#context.forward(new StreamRecord(primaryKey, response, timestampMs, headers));
    }
  }
}
