import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { TableReader, TableView } from './table-view.ts';

export type ValueJoiner<K, V, VT, VR> = (value: V, tableValue: VT, key: K) => VR;

export interface StreamTableJoinOptions<K, V, KT, VT, VR> {
  readonly table: TableView<KT, VT>;
  /** The key to look up. Null finds nothing. */
  readonly keyOf: (key: K, value: V) => KT | null;
  readonly joiner: ValueJoiner<K, V, VT | null, VR>;
  /** Whether a record for which the table has no row gives a result too, with null in its place. */
  readonly left: boolean;
}

/**
 * Joins every record of a stream with a row of a table: as the table is at that moment, or, where it keeps versions, as it
 * was at the record's time. Only the stream triggers.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<K, VR> with the timestamp and headers of the stream's record
 *     reads  the table of the same keys, or a global table by any key
 *
 * Dropped: a record without a value, and in an inner join one whose key to look up is null (`null-join-key`).
 *
 * Source: KIP-914, KIP-962, `KStreamKTableJoinProcessor` of 4.3; parity J9, J11, J12, traps 15-17.
 */
export function streamTableJoin<K, V, KT, VT, VR>(
  options: StreamTableJoinOptions<K, V, KT, VT, VR>,
): CreateOperator<K, V, K, VR> {
  return (context) => new StreamTableJoin(context, options);
}

class StreamTableJoin<K, V, KT, VT, VR> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<K, VR>;
  readonly #row: TableReader<KT, VT>;
  readonly #keyOf: (key: K, value: V) => KT | null;
  readonly #joiner: ValueJoiner<K, V, VT | null, VR>;
  readonly #left: boolean;

  constructor(
    context: InternalProcessorContext<K, VR>,
    { table, keyOf, joiner, left }: StreamTableJoinOptions<K, V, KT, VT, VR>,
  ) {
    this.#context = context;
    this.#row = table.open(context);
    this.#keyOf = keyOf;
    this.#joiner = joiner;
    this.#left = left;
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, V>): void {
    if (value === null) {
      this.#context.drop('null-value');
      return;
    }
    const tableKey = returned(this.#keyOf(key, value), 'key selector of the join');
    if (tableKey === null && !this.#left) {
      this.#context.drop('null-join-key');
      return;
    }
    const row = tableKey === null ? null : this.#row(tableKey, timestampMs);
    if (row === null && !this.#left) return;

    const joined = returned(this.#joiner(value, row === null ? null : row.value, key), 'joiner');
    this.#context.forward(new StreamRecord(key, joined, timestampMs, headers));
  }
}
