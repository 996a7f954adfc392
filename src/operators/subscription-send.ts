import type { Change } from '../common/change.ts';
import { compareBytes } from '../common/bytes.ts';
import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import {
  SUBSCRIPTION,
  type Subscription,
  type SubscriptionInstruction,
} from '../serde/subscription-serde.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

export interface SubscriptionSendOptions<K, V, FK> {
  /** The key of the row that a row points to; null for none. */
  readonly foreignKeyOf: (value: V, key: K) => FK | null;
  readonly left: boolean;
  /** Foreign keys are compared as bytes. */
  readonly foreignKeyToBytes: (foreignKey: FK, applicationId: string) => Uint8Array;
  readonly hashOf: (value: V, applicationId: string) => Uint8Array;
}

/**
 * Tells the right side of a foreign-key join which row each row of the left table points to, and which it no longer does.
 *
 *     in     StreamRecord<K, Change<V>> with old values
 *     out    StreamRecord<FK | null, Subscription<K>>, one or two for each change
 *
 * An inner join drops a row that points nowhere (`null-join-key`), after it has ended what the row pointed to before. A
 * left join wants an answer for every change, so it asks with no key too. A late update of a versioned table is dropped
 * (`out-of-order`).
 *
 * Source: KIP-213, KIP-914, KIP-1104, `SubscriptionSendProcessorSupplier` of 4.3; parity J17, trap 20.
 */
export function subscriptionSend<K, V, FK>(
  options: SubscriptionSendOptions<K, V, FK>,
): CreateOperator<K, Change<V>, FK | null, Subscription<K>> {
  return (context) => new SubscriptionSend(context, options);
}

class SubscriptionSend<K, V, FK> implements Processor<K, Change<V>> {
  readonly #context: InternalProcessorContext<FK | null, Subscription<K>>;
  readonly #options: SubscriptionSendOptions<K, V, FK>;
  readonly #partition: number;

  constructor(
    context: InternalProcessorContext<FK | null, Subscription<K>>,
    options: SubscriptionSendOptions<K, V, FK>,
  ) {
    this.#context = context;
    this.#options = options;
    // Not the record's, which there is none of when a cache lets go of the change.
    this.#partition = Number(context.taskId.slice(context.taskId.lastIndexOf('_') + 1));
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change } = record;
    if (!change.isLatest) {
      this.#context.drop('out-of-order');
      return;
    }
    if (change.oldValue === null && change.newValue === null) return;
    const before = this.#foreignKey(key, change.oldValue);
    const now = this.#foreignKey(key, change.newValue);
    if (this.#options.left) this.#subscribeLeft(record, before, now);
    else this.#subscribeInner(record, before, now);
  }

  #subscribeLeft(record: StreamRecord<K, Change<V>>, before: FK | null, now: FK | null): void {
    if (before !== null && !this.#same(before, now))
      this.#send(record, before, SUBSCRIPTION.delete);
    this.#send(record, now, SUBSCRIPTION.answer);
  }

  #subscribeInner(record: StreamRecord<K, Change<V>>, before: FK | null, now: FK | null): void {
    if (now === null) {
      if (record.value.newValue !== null) this.#context.drop('null-join-key');
      if (before !== null) this.#send(record, before, SUBSCRIPTION.deleteAndAnswer);
      return;
    }
    if (before !== null && !this.#same(before, now)) {
      this.#send(record, before, SUBSCRIPTION.delete);
      // Nothing is known of the former result: without a row, it has to be taken back.
      this.#send(record, now, SUBSCRIPTION.answer);
      return;
    }
    this.#send(record, now, SUBSCRIPTION.answerIfFound);
  }

  #foreignKey(key: K, value: V | null): FK | null {
    if (value === null) return null;
    return returned(this.#options.foreignKeyOf(value, key), 'foreign key selector of the join');
  }

  #same(one: FK, other: FK | null): boolean {
    if (other === null) return false;
    const { foreignKeyToBytes } = this.#options;
    const { applicationId } = this.#context;
    const bytes = foreignKeyToBytes(one, applicationId);
    return compareBytes(bytes, foreignKeyToBytes(other, applicationId)) === 0;
  }

  #send(
    { key, value: change, timestampMs, headers }: StreamRecord<K, Change<V>>,
    foreignKey: FK | null,
    instruction: SubscriptionInstruction,
  ): void {
    const { hashOf } = this.#options;
    const hash =
      change.newValue === null ? null : hashOf(change.newValue, this.#context.applicationId);
    const subscription = { hash, instruction, primaryKey: key, primaryPartition: this.#partition };
    this.#context.forward(new StreamRecord(foreignKey, subscription, timestampMs, headers));
  }
}
