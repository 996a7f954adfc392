import type { Change } from '../common/change.ts';
import { StreamsError } from '../common/errors.ts';
import { StreamRecord } from '../common/record.ts';
import { Windowed } from '../common/windowed.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import {
  NOWHERE,
  type BufferedContext,
  type ChangeBuffer,
  type Eviction,
} from '../state/time-ordered-buffer.ts';
import type { CreateOperator } from './operator.ts';
import type { TableView } from './table-view.ts';

export interface SuppressOptions {
  readonly store: string;
  /**
   *     window-end   until stream time passes the end of the key's window by the wait; deletions are dropped then
   *     record-time  for the wait from the first update of a key
   */
  readonly from: 'window-end' | 'record-time';
  readonly waitMs: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly whenFull: 'emitEarly' | 'shutDown';
}

/**
 * Withholds the updates of a table, and forwards the last one of each key when stream time says so.
 *
 *     in, out  StreamRecord<K, Change<V>>; what comes out has the time, headers and old value of the last update: so the
 *              old value need not have been forwarded, as in Kafka Streams
 *     state    ChangeBuffer<K, V>
 *
 * Stream time is the highest timestamp this operator has seen, the current record's included. A further update of a key
 * that is withheld replaces the value; the time when it is due stays. Due updates come out in order of that time, then of
 * their key bytes.
 *
 * A buffer that holds more than its limit emits the oldest early, or stops the application.
 *
 * Errors: `STREAMS_BUFFER_FULL`. Source: KIP-328, `KTableSuppressProcessorSupplier`; parity W21-W23, trap 29.
 */
export function suppress<K, V>(
  options: SuppressOptions,
): CreateOperator<K, Change<V>, K, Change<V>> {
  return (context) => new Suppress(context, options);
}

class Suppress<K, V> implements Processor<K, Change<V>> {
  readonly #context: InternalProcessorContext<K, Change<V>>;
  readonly #buffer: ChangeBuffer<K, V>;
  readonly #options: SuppressOptions;
  readonly #isDue: () => boolean;
  readonly #isFull: () => boolean;
  readonly #emit: (eviction: Eviction<K, Change<V>>) => void;
  #streamTimeMs = -1;

  constructor(context: InternalProcessorContext<K, Change<V>>, options: SuppressOptions) {
    const buffer = context.changeBuffer<K, V>(options.store);
    const { from, waitMs, maxRecords, maxBytes } = options;
    this.#context = context;
    this.#buffer = buffer;
    this.#options = options;
    this.#isDue = () => buffer.minTimestampMs <= this.#streamTimeMs - waitMs;
    this.#isFull = () => buffer.numRecords > maxRecords || buffer.bufferBytes > maxBytes;
    const dropsDeletions = from === 'window-end';
    this.#emit = ({ key, value, context: { timestampMs, headers } }) => {
      if (dropsDeletions && value.newValue === null) return;
      context.forward(new StreamRecord(key, value, timestampMs, headers));
    };
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, Change<V>>): void {
    const { from, whenFull } = this.#options;
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;
    const fromMs = from === 'window-end' && key instanceof Windowed ? key.endMs : timestampMs;
    const buffered: BufferedContext = {
      timestampMs,
      headers,
      ...(this.#context.recordMetadata ?? NOWHERE),
    };
    this.#buffer.put(fromMs, key, value, buffered);
    this.#buffer.evictWhile(this.#isDue, this.#emit);
    if (!this.#isFull()) return;
    if (whenFull === 'shutDown') throw this.#full();
    this.#buffer.evictWhile(this.#isFull, this.#emit);
  }

  #full(): StreamsError {
    const { store, maxRecords, maxBytes } = this.#options;
    const { numRecords, bufferBytes } = this.#buffer;
    return new StreamsError(
      'STREAMS_BUFFER_FULL',
      `the buffer of suppress holds ${numRecords} records in ${bufferBytes} bytes, more than its limit of ` +
        `${maxRecords} records or ${maxBytes} bytes: raise maxRecords or maxBytes, or let it emit early`,
      { site: { store } },
    );
  }
}

/** Reads a suppressed table: what is withheld is not in it yet. */
export function suppressedView<K, V>(parent: TableView<K, V>, store: string): TableView<K, V> {
  return {
    stores: [store, ...parent.stores],
    open(context) {
      const rowOf = parent.open(context);
      const buffer = context.changeBuffer<K, V>(store);
      return (key) => {
        const prior = buffer.priorValueForBuffered(key);
        return prior === undefined ? rowOf(key) : prior;
      };
    },
  };
}
