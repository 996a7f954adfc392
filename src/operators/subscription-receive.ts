import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import { SUBSCRIPTION, type Subscription } from '../serde/subscription-serde.ts';
import type { SubscriptionStore } from '../state/subscription-store.ts';
import type { CreateOperator } from './operator.ts';

/**
 * Keeps which rows of the left table point to a row of the right one, in front of the join.
 *
 *     in, out  StreamRecord<FK | null, Subscription<PK>>
 *     state    SubscriptionStore<FK, PK, Subscription<PK>>
 *
 * One without a key only asks for an answer, as left joins do; any other is dropped (`null-join-key`).
 *
 * Source: KIP-213, `SubscriptionReceiveProcessorSupplier`.
 */
export function subscriptionReceive<FK, PK>(
  store: string,
): CreateOperator<FK | null, Subscription<PK>, FK | null, Subscription<PK>> {
  return (context) => new SubscriptionReceive(context, context.subscriptionStore(store));
}

class SubscriptionReceive<FK, PK> implements Processor<FK | null, Subscription<PK>> {
  readonly #context: InternalProcessorContext<FK | null, Subscription<PK>>;
  readonly #store: SubscriptionStore<FK, PK, Subscription<PK>>;

  constructor(
    context: InternalProcessorContext<FK | null, Subscription<PK>>,
    store: SubscriptionStore<FK, PK, Subscription<PK>>,
  ) {
    this.#context = context;
    this.#store = store;
  }

  process(record: StreamRecord<FK | null, Subscription<PK>>): void {
    const { key, value: subscription, timestampMs } = record;
    const { instruction, primaryKey } = subscription;
    if (key !== null) {
      const ends =
        instruction === SUBSCRIPTION.delete || instruction === SUBSCRIPTION.deleteAndAnswer;
      this.#store.put(key, primaryKey, ends ? null : subscription, timestampMs);
    } else if (instruction !== SUBSCRIPTION.answer) {
      this.#context.drop('null-join-key');
      return;
    }
    this.#context.forward(record);
  }
}
