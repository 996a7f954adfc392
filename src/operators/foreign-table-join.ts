import type { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
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
 * subscriptions of a row are answered at once, however many there are. A late update of a versioned table is dropped
 * (`out-of-order`).
 *
 * Source: KIP-213, KIP-914, `ForeignTableJoinProcessorSupplier`; parity J22, M15, trap 55.
 */
export function foreignTableJoin<FK, PK, V>(
  store: string,
): CreateOperator<FK, Change<V>, PK, SubscriptionResponse<V>> {
  return (context) => new ForeignTableJoin(context, context.subscriptionStore(store));
}

class ForeignTableJoin<FK, PK, V> implements Processor<FK, Change<V>> {
  readonly #context: InternalProcessorContext<PK, SubscriptionResponse<V>>;
  readonly #store: SubscriptionStore<FK, PK, Subscription<PK>>;

  constructor(
    context: InternalProcessorContext<PK, SubscriptionResponse<V>>,
    store: SubscriptionStore<FK, PK, Subscription<PK>>,
  ) {
    this.#context = context;
    this.#store = store;
  }

  process({ key, value: change, timestampMs, headers }: StreamRecord<FK, Change<V>>): void {
    if (!change.isLatest) {
      this.#context.drop('out-of-order');
      return;
    }
    const foreignValue = change.newValue;
    for (const { primaryKey, value } of this.#store.prefix(key)) {
      const { hash, primaryPartition } = value;
      const response = { hash, foreignValue, primaryPartition };
      this.#context.forward(new StreamRecord(primaryKey, response, timestampMs, headers));
    }
  }
}
