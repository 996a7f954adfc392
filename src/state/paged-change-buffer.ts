import { copyBytes } from '../common/byte-pool.ts';
import { readInt64, writeInt64 } from '../common/bytes.ts';
import { Change } from '../common/change.ts';
import { invariant, StreamsError } from '../common/errors.ts';
import { fromLatin1, toLatin1 } from '../common/latin1.ts';
import type { Headers } from '../common/record.ts';
import type { Serdes } from '../serde/serde.ts';
import { BufferPages } from './buffer-pages.ts';
import { bufferValueFromBytes, bufferValueToBytes } from './buffer-value.ts';
import type { RestoredRecord } from './managed-store.ts';
import { PageTable } from './page-table.ts';
import { PagedStore } from './paged-store.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import type { Timestamped } from './table-store.ts';
import type { BufferedContext, ChangeBuffer, Eviction } from './time-ordered-buffer.ts';

/** One row for each buffered key: its time. Beside the slice that has the records. */
const TIMES_SHAPE = { second: false, tail: false, timestamp: false } as const;
const TIMES_SLICE = -1;
const TIME_BYTES = 8;
const NO_BYTES = new Uint8Array(0);
/** Says how the values of the changelog are written. */
const VERSION: Headers = [['v', Uint8Array.of(3)]];

export interface ChangeBufferOptions<K, V> {
  readonly name: string;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
}

/**
 * A `ChangeBuffer` in packed pages: the records by time and key, and the time of each key. The changelog gets each
 * changed key once, when the task flushes: its record, or a tombstone.
 *
 *     changelog value    buffer value, i64 time; header v = 3
 */
export class PagedChangeBuffer<K, V> implements ChangeBuffer<K, V> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #codec: StoreCodec<K, V>;
  readonly #records: BufferPages;
  readonly #times: PageTable<K, never>;
  /** Keys whose changelog records are owed. */
  readonly #unlogged = new Set<string>();
  #latestMs = 0;

  private constructor(
    { name, serdes, persistent }: ChangeBufferOptions<K, V>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'change-buffer-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.name = name;
    this.#context = context;
    this.#codec = new StoreCodec(name, changelogTopic, serdes);
    const keyBytes = (tail: Uint8Array): number => TIME_BYTES + tail.length;
    this.#records = new BufferPages({ storage, store, budget, keyBytes });
    const keys = this.#codec;
    this.#times = new PageTable({ storage, store, keys, shape: TIMES_SHAPE, budget });
  }

  static open<K, V>(options: ChangeBufferOptions<K, V>, context: StoreContext): PagedStore {
    const store = new PagedChangeBuffer(options, context);
    const records = store.#records;
    return new PagedStore({
      name: options.name,
      kind: 'change-buffer',
      face: store,
      tables: [records.table, store.#times],
      retention: null,
      restore: (record) => {
        store.#restore(record);
      },
      undo: () => {
        records.undo();
        store.#times.undo();
      },
      hooks: {
        facts: () => records.facts(),
        beginUndo: () => {
          records.beginUndo();
        },
        discard: () => {
          records.discard();
          store.#unlogged.clear();
        },
        isUnflushed: () => store.#unlogged.size > 0,
        flush: () => {
          store.#log();
        },
      },
    });
  }

  get numRecords(): number {
    return this.#records.records;
  }

  get bufferBytes(): number {
    return this.#records.bytes;
  }

  get minTimestampMs(): number {
    return this.#records.oldest()?.first ?? Infinity;
  }

  put(timeMs: number, key: K, change: Change<V>, context: BufferedContext): boolean {
    if (!Number.isSafeInteger(timeMs) || timeMs < 0) {
      throw new StreamsError('STREAMS_PROCESSING', `${timeMs} is no time to buffer a record by`, {
        site: { store: this.name },
      });
    }
    const keyBytes = copyBytes(this.#codec.keyToBytes(key));
    const oldValue = this.#valueToBytes(change.oldValue);
    const newValue = this.#valueToBytes(change.newValue);
    const bufferedMs = this.#timeOf(keyBytes);
    const buffered = bufferedMs === null ? null : this.#records.get(bufferedMs, keyBytes);
    const priorValue = buffered === null ? oldValue : buffered.priorValue;
    const value = { context, priorValue, oldValue, newValue };
    this.#set(bufferedMs ?? timeMs, keyBytes, bufferValueToBytes(value));
    this.#owe(keyBytes);
    return true;
  }

  priorValueForBuffered(key: K): Timestamped<V> | null | undefined {
    const keyBytes = this.#codec.keyToBytes(key);
    const timeMs = this.#timeOf(keyBytes);
    const buffered = timeMs === null ? null : this.#records.get(timeMs, keyBytes);
    if (buffered === null) return undefined;
    const { priorValue } = buffered;
    if (priorValue === null) return null;
    // Kafka Streams does not know the time of the prior value either.
    return { value: this.#codec.valueFromBytes(priorValue), timestampMs: -1 };
  }

  evictWhile(predicate: () => boolean, evict: (eviction: Eviction<K, Change<V>>) => void): void {
    while (predicate()) {
      const row = this.#records.oldest();
      if (row === null) return;
      const { first: timeMs, tail, bytes } = row;
      invariant(tail !== null && bytes !== null, 'a buffered record has key and value');
      const { context, oldValue, newValue } = bufferValueFromBytes(bytes);
      const key = this.#codec.keyFromBytes(tail);
      const change = new Change(this.#valueFromBytes(newValue), this.#valueFromBytes(oldValue));
      this.#set(timeMs, tail, null);
      this.#owe(tail);
      evict({ key, value: change, context });
    }
  }

  #timeOf(keyBytes: Uint8Array): number | null {
    this.#times.begin();
    const group = this.#times.groupOfBytes(TIMES_SLICE, keyBytes);
    return this.#times.next(group, null)?.first ?? null;
  }

  #set(timeMs: number, keyBytes: Uint8Array, value: Uint8Array | null): void {
    this.#records.set(timeMs, keyBytes, value);
    this.#times.begin();
    const group = this.#times.groupOfBytes(TIMES_SLICE, keyBytes);
    const row = this.#times.place(group, timeMs, 0, null);
    const known = row.bytes !== null;
    if (known !== (value !== null)) {
      this.#times.write(group, row, value === null ? null : NO_BYTES, -1);
    }
  }

  #owe(keyBytes: Uint8Array): void {
    this.#latestMs = Math.max(this.#latestMs, this.#context.recordTimestampMs());
    if (this.#context.changelog !== null) this.#unlogged.add(toLatin1(keyBytes));
  }

  #log(): void {
    const { changelog } = this.#context;
    for (const id of this.#unlogged) {
      const keyBytes = fromLatin1(id);
      const timeMs = this.#timeOf(keyBytes);
      const buffered = timeMs === null ? null : this.#records.get(timeMs, keyBytes);
      if (buffered === null || timeMs === null) {
        changelog?.append(keyBytes, null, this.#latestMs);
      } else {
        const value = bufferValueToBytes(buffered, TIME_BYTES);
        writeInt64(value, value.length - TIME_BYTES, timeMs);
        changelog?.append(keyBytes, value, this.#latestMs, VERSION);
      }
    }
    this.#unlogged.clear();
  }

  #restore({ key, value }: RestoredRecord): void {
    const keyBytes = copyBytes(key);
    const bufferedMs = this.#timeOf(keyBytes);
    if (value === null) {
      if (bufferedMs !== null) this.#set(bufferedMs, keyBytes, null);
      return;
    }
    const { end } = bufferValueFromBytes(value);
    const timeMs = bufferedMs ?? readInt64(value, end);
    this.#set(timeMs, keyBytes, copyBytes(value.subarray(0, end)));
  }

  #valueToBytes(value: V | null): Uint8Array | null {
    return value === null ? null : this.#codec.valueToBytes(value);
  }

  #valueFromBytes(bytes: Uint8Array | null): V | null {
    return bytes === null ? null : this.#codec.valueFromBytes(bytes);
  }
}
