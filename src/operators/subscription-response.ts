import { compareBytes } from '../common/bytes.ts';
import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { SubscriptionResponse } from '../serde/subscription-serde.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { TableReader, TableView } from './table-view.ts';

export interface SubscriptionResponseOptions<K, V, VF, VR> {
  readonly table: TableView<K, V>;
  readonly joiner: (value: V, foreignValue: VF | null, key: K) => VR | null;
  readonly left: boolean;
  readonly hashOf: (value: V, applicationId: string) => Uint8Array;
}

/**
 * Joins the answers to the subscriptions of a foreign-key join with the rows that asked.
 *
 *     in     StreamRecord<K, SubscriptionResponse<VF>>
 *     out    StreamRecord<K, VR | null>, the updates of the result; null deletes
 *     reads  the left table
 *
 * An answer to a row that has changed since it asked is dropped (`stale-response`): the change asks again.
 *
 * Source: KIP-213, `ResponseJoinProcessorSupplier`; parity J18, trap 19.
 */
export function subscriptionResponse<K, V, VF, VR>(
  options: SubscriptionResponseOptions<K, V, VF, VR>,
): CreateOperator<K, SubscriptionResponse<VF>, K, VR | null> {
  return (context) => new SubscriptionResponseJoin(context, options);
}

class SubscriptionResponseJoin<K, V, VF, VR> implements Processor<K, SubscriptionResponse<VF>> {
  readonly #context: InternalProcessorContext<K, VR | null>;
  readonly #row: TableReader<K, V>;
  readonly #options: SubscriptionResponseOptions<K, V, VF, VR>;

  constructor(
    context: InternalProcessorContext<K, VR | null>,
    options: SubscriptionResponseOptions<K, V, VF, VR>,
  ) {
    this.#context = context;
    this.#row = options.table.open(context);
    this.#options = options;
  }

  process({
    key,
    value: response,
    timestampMs,
    headers,
  }: StreamRecord<K, SubscriptionResponse<VF>>): void {
    const { joiner, left, hashOf } = this.#options;
    const row = this.#row(key);
    const hash = row === null ? null : hashOf(row.value, this.#context.applicationId);
    if (!sameHash(hash, response.hash)) {
      this.#context.drop('stale-response');
      return;
    }
    const { foreignValue } = response;
    const result =
      row === null || (foreignValue === null && !left)
        ? null
        : returned(joiner(row.value, foreignValue, key), 'joiner');
    this.#context.forward(new StreamRecord(key, result, timestampMs, headers));
  }
}

function sameHash(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === null || other === null) return one === other;
  return compareBytes(one, other) === 0;
}
