import type { JoinWindows } from '../common/join-windows.ts';
import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { JoinStore } from '../state/join-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { StreamJoiner } from './stream-stream-join.ts';

export interface StreamSelfJoinOptions<K, V, VOut> {
  /** Of the stream's records. */
  readonly store: string;
  /** A record's own time lies within them. */
  readonly windows: JoinWindows;
  readonly joiner: StreamJoiner<K, V, V, VOut>;
}

/**
 * A join of a stream with itself that keeps the stream once: the results, and their order, of a join that keeps both sides.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<K, VOut>, as recent as the more recent of the two records
 *     reads  JoinStore<K, V> of the same stream, to which the record itself is added later
 *
 * A record joins those before it as the left one, then as the right one; and itself, ahead of the first that is younger,
 * unless it is as late as the store's retention, the windows' size and grace.
 *
 * Dropped: a record without a value or key (`null-value`, `null-join-key`), in a left or outer join too.
 *
 * Source: `KStreamKStreamSelfJoin`; parity J8, trap 14.
 */
export function streamSelfJoin<K, V, VOut>(
  options: StreamSelfJoinOptions<K, V, VOut>,
): CreateOperator<K, V, K, VOut> {
  return (context) => new StreamSelfJoin(context, options);
}

class StreamSelfJoin<K, V, VOut> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<K, VOut>;
  readonly #store: JoinStore<K, V>;
  readonly #windows: JoinWindows;
  readonly #joiner: StreamJoiner<K, V, V, VOut>;
  #streamTimeMs = -1;

  constructor(
    context: InternalProcessorContext<K, VOut>,
    { store, windows, joiner }: StreamSelfJoinOptions<K, V, VOut>,
  ) {
    this.#context = context;
    this.#store = context.joinStore(store);
    this.#windows = windows;
    this.#joiner = joiner;
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs } = record;
    if (value === null) {
      this.#context.drop('null-value');
      return;
    }
    if (key === null) {
      this.#context.drop('null-join-key');
      return;
    }
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;
    this.#join(record);
  }

  #join(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs } = record;
    const { beforeMs, afterMs } = this.#windows;
    for (const other of this.#store.fetch(
      key,
      from(timestampMs - beforeMs),
      timestampMs + afterMs,
    )) {
      this.#forward(record, value, other.value, Math.max(timestampMs, other.timestampMs));
    }
    let joinsItself = this.#isInTime(timestampMs);
    for (const other of this.#store.fetch(
      key,
      from(timestampMs - afterMs),
      timestampMs + beforeMs,
    )) {
      if (joinsItself && other.timestampMs > timestampMs) {
        joinsItself = false;
        this.#forward(record, value, value, timestampMs);
      }
      this.#forward(record, other.value, value, Math.max(timestampMs, other.timestampMs));
    }
    if (joinsItself) this.#forward(record, value, value, timestampMs);
  }

  #isInTime(timestampMs: number): boolean {
    const { sizeMs, graceMs } = this.#windows;
    return (
      timestampMs === this.#streamTimeMs ||
      timestampMs > this.#streamTimeMs - (sizeMs + graceMs) + 1
    );
  }

  #forward({ key, headers }: StreamRecord<K, V>, left: V, right: V, timestampMs: number): void {
    const joined = returned(this.#joiner(left, right, key), 'joiner');
    this.#context.forward(new StreamRecord(key, joined, timestampMs, headers));
  }
}

function from(timestampMs: number): number {
  return Math.max(0, timestampMs);
}
