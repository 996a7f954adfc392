import { copyBytes } from '../common/byte-pool.ts';
import { readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import type { Serdes } from '../serde/serde.ts';
import { BufferPages } from './buffer-pages.ts';
import { bufferValueFromBytes, bufferValueToBytes } from './buffer-value.ts';
import type { RestoredRecord } from './managed-store.ts';
import { PagedStore } from './paged-store.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import type { BufferedContext, Eviction, TimeOrderedBuffer } from './time-ordered-buffer.ts';

const TIME_FIRST = 0;
const KEY_AT = 9;
const SEQUENCE_BYTES = 4;
const TIME_BYTES = 8;
const MAX_SEQUENCE = 0x7fff_ffff;

export interface RecordBufferOptions<K, V> {
  readonly name: string;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
  readonly graceMs: number;
}

/**
 * A `TimeOrderedBuffer` of a stream's records in packed pages, by time, key bytes and a sequence that counts from 1; several
 * of one key and time are all kept. A record older than the highest time seen less the grace period is not buffered;
 * what is evicted is at least as old as that.
 *
 *     changelog key      u8 0, i64 time, key, i32 sequence
 *     changelog value    buffer value, i64 0
 *
 * Source: `RocksDBTimeOrderedKeyValueBuffer`.
 */
export class PagedRecordBuffer<K, V> implements TimeOrderedBuffer<K, V> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #codec: StoreCodec<K, V>;
  readonly #records: BufferPages;
  readonly #graceMs: number;
  #sequence = 0;

  private constructor(
    { name, serdes, persistent, graceMs }: RecordBufferOptions<K, V>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'record-buffer-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.name = name;
    this.#context = context;
    this.#graceMs = graceMs;
    this.#codec = new StoreCodec(name, changelogTopic, serdes);
    const keyBytes = (tail: Uint8Array): number => KEY_AT + tail.length;
    this.#records = new BufferPages({ storage, store, budget, keyBytes });
  }

  static open<K, V>(options: RecordBufferOptions<K, V>, context: StoreContext): PagedStore {
    const store = new PagedRecordBuffer(options, context);
    const records = store.#records;
    return new PagedStore({
      name: options.name,
      kind: 'record-buffer',
      face: store,
      tables: [records.table],
      retention: null,
      restore: (record) => {
        store.#restore(record);
      },
      undo: () => {
        records.undo();
      },
      hooks: {
        facts: () => records.facts(),
        beginUndo: () => {
          records.beginUndo();
        },
        discard: () => {
          records.discard();
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

  put(timeMs: number, key: K, value: V, context: BufferedContext): boolean {
    if (this.#closedUpToMs > timeMs) return false;
    const newValue = this.#codec.valueToBytes(value);
    const tail = this.#freeTail(timeMs, this.#codec.keyToBytes(key));
    const buffered = { context, priorValue: null, oldValue: null, newValue };
    this.#records.observe(timeMs);
    this.#records.set(timeMs, tail, bufferValueToBytes(buffered));
    // The time of a suppressed record; here the key has it, and Kafka Streams writes 0.
    this.#log(timeMs, tail, bufferValueToBytes(buffered, TIME_BYTES));
    return true;
  }

  evictWhile(predicate: () => boolean, evict: (eviction: Eviction<K, V>) => void): void {
    while (predicate()) {
      const row = this.#records.oldest();
      if (row === null || row.first > this.#closedUpToMs) return;
      const { first: timeMs, tail, bytes } = row;
      invariant(tail !== null && bytes !== null, 'a buffered record has key and value');
      const { context, newValue } = bufferValueFromBytes(bytes);
      invariant(newValue !== null, 'a buffered record has a value');
      const key = this.#codec.keyFromBytes(tail.subarray(0, tail.length - SEQUENCE_BYTES));
      const value = this.#codec.valueFromBytes(newValue);
      this.#records.set(timeMs, tail, null);
      this.#log(timeMs, tail, null);
      evict({ key, value, context });
    }
  }

  get #closedUpToMs(): number {
    return this.#records.observedMs - this.#graceMs;
  }

  /** Key and a sequence that no record of that key and time has: after a restart the counter begins anew. */
  #freeTail(timeMs: number, keyBytes: Uint8Array): Uint8Array {
    const tail = new Uint8Array(keyBytes.length + SEQUENCE_BYTES);
    tail.set(keyBytes);
    do {
      this.#sequence = (this.#sequence + 1) & MAX_SEQUENCE;
      writeInt32(tail, keyBytes.length, this.#sequence);
    } while (this.#records.get(timeMs, tail) !== null);
    return tail;
  }

  #log(timeMs: number, tail: Uint8Array, value: Uint8Array | null): void {
    const key = new Uint8Array(KEY_AT + tail.length);
    key[0] = TIME_FIRST;
    writeInt64(key, 1, timeMs);
    key.set(tail, KEY_AT);
    this.#context.changelog?.append(key, value, this.#context.recordTimestampMs());
  }

  #restore({ key, value }: RestoredRecord): void {
    const timeMs = readInt64(key, 1);
    this.#records.observe(timeMs);
    const tail = copyBytes(key.subarray(KEY_AT));
    const bytes = value === null ? null : value.subarray(0, value.length - TIME_BYTES);
    this.#records.set(timeMs, tail, bytes === null ? null : copyBytes(bytes));
  }
}
