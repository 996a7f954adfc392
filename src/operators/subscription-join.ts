import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import {
  SUBSCRIPTION,
  type Subscription,
  type SubscriptionResponse,
} from '../serde/subscription-serde.ts';
import type { CreateOperator } from './operator.ts';
import type { TableReader, TableView } from './table-view.ts';

/**
 * Answers a subscription with the row that it asks for, as recent as the more recent of the two.
 *
 *     in     StreamRecord<FK | null, Subscription<PK>>
 *     out    StreamRecord<PK, SubscriptionResponse<V>>, where the subscription wants one
 *     reads  the right table
 *
 * Source: KIP-213, `SubscriptionJoinProcessorSupplier`; parity M15.
 */
export function subscriptionJoin<FK, PK, V>(
  table: TableView<FK, V>,
): CreateOperator<FK | null, Subscription<PK>, PK, SubscriptionResponse<V>> {
  return (context) => new SubscriptionJoin(context, table);
}

class SubscriptionJoin<FK, PK, V> implements Processor<FK | null, Subscription<PK>> {
  readonly #context: ProcessorContext<PK, SubscriptionResponse<V>>;
  readonly #row: TableReader<FK, V>;

  constructor(
    context: InternalProcessorContext<PK, SubscriptionResponse<V>>,
    table: TableView<FK, V>,
  ) {
    this.#context = context;
    this.#row = table.open(context);
  }

  process(record: StreamRecord<FK | null, Subscription<PK>>): void {
    const { key, value: subscription, timestampMs, headers } = record;
    const { hash, instruction, primaryKey, primaryPartition } = subscription;
    if (instruction === SUBSCRIPTION.delete) return;
    const row = key === null ? null : this.#row(key);
    if (row === null && instruction === SUBSCRIPTION.answerIfFound) return;

    const found = instruction === SUBSCRIPTION.deleteAndAnswer ? null : row;
    const response = { hash, foreignValue: found === null ? null : found.value, primaryPartition };
    const recentMs = row === null ? timestampMs : Math.max(timestampMs, row.timestampMs);
    this.#context.forward(new StreamRecord(primaryKey, response, recentMs, headers));
  }
}
