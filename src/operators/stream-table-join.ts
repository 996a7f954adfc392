import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import { NOWHERE, type Eviction, type TimeOrderedBuffer } from '../state/time-ordered-buffer.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { TableReader, TableView } from './table-view.ts';

const KEY_SELECTOR = 'key selector of the join';
const ALWAYS = (): boolean => true; // the buffer itself holds back what is not due

export type ValueJoiner<K, V, VT, VR> = (value: V, tableValue: VT, key: K) => VR;

export interface StreamTableJoinOptions<K, V, KT, VT, VR> {
  readonly table: TableView<KT, VT>;
  /** The key to look up. Null finds nothing. */
  readonly keyOf: (key: K, value: V) => KT | null;
  readonly joiner: ValueJoiner<K, V, VT | null, VR>;
  /** Whether a record for which the table has no row gives a result too, with null in its place. */
  readonly left: boolean;
  /** Where records wait until the grace period is over; null where they are joined at once. */
  readonly buffer: string | null;
}

/**
 * Joins every record of a stream with a row of a table: as the table is at that moment, or, where it keeps versions, as it
 * was at the record's time. Only the stream triggers.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<K, VR> with the timestamp and headers of the stream's record
 *     reads  the table of the same keys, or a global table by any key
 *     state  TimeOrderedBuffer<K, V>, with a grace period
 *
 * With a grace period, a record waits in the buffer until this operator has seen a time later by that much, so that the
 * versions that are valid at its time have come. What is due leaves in order of time. A record that is late by more joins
 * at once; so does one without a key in a left join, which no row can match.
 *
 * Dropped: a record without a value, and in an inner join one whose key to look up is null (`null-join-key`).
 *
 * Source: KIP-914, KIP-923, KIP-962, `KStreamKTableJoinProcessor` of 4.3; parity J9-J12, traps 15-17.
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
  readonly #buffer: TimeOrderedBuffer<K, V> | null;
  readonly #joinBuffered: (eviction: Eviction<K, V>) => void;

  constructor(
    context: InternalProcessorContext<K, VR>,
    { table, keyOf, joiner, left, buffer }: StreamTableJoinOptions<K, V, KT, VT, VR>,
  ) {
    this.#context = context;
    this.#row = table.open(context);
    this.#keyOf = keyOf;
    this.#joiner = joiner;
    this.#left = left;
    this.#buffer = buffer === null ? null : context.recordBuffer(buffer);
    this.#joinBuffered = ({ key, value, context: { timestampMs, headers } }) => {
      const tableKey = returned(this.#keyOf(key, value), KEY_SELECTOR);
      this.#join(new StreamRecord(key, value, timestampMs, headers), tableKey);
    };
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value } = record;
    if (value === null) {
      this.#context.drop('null-value');
      return;
    }
    const tableKey = returned(this.#keyOf(key, value), KEY_SELECTOR);
    if (tableKey === null && !this.#left) {
      this.#context.drop('null-join-key');
      return;
    }
    if (this.#buffer === null || key === null || !this.#wait(this.#buffer, record)) {
      this.#join(record, tableKey);
    }
  }

  /** False for a record that is too late to wait. */
  #wait(
    buffer: TimeOrderedBuffer<K, V>,
    { key, value, timestampMs, headers }: StreamRecord<K, V>,
  ): boolean {
    const from = this.#context.recordMetadata ?? NOWHERE;
    if (!buffer.put(timestampMs, key, value, { timestampMs, headers, ...from })) return false;
    buffer.evictWhile(ALWAYS, this.#joinBuffered);
    return true;
  }

  #join({ key, value, timestampMs, headers }: StreamRecord<K, V>, tableKey: KT | null): void {
    const row = tableKey === null ? null : this.#row(tableKey, timestampMs);
    if (row === null && !this.#left) return;

    const joined = returned(this.#joiner(value, row === null ? null : row.value, key), 'joiner');
    this.#context.forward(new StreamRecord(key, joined, timestampMs, headers));
  }
}
