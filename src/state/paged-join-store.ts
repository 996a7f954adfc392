import { readInt32, readInt64, writeInt32, writeInt64 } from '../common/bytes.ts';
import type { Serdes } from '../serde/serde.ts';
import type { JoinStore } from './join-store.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { PageRow } from './page-row.ts';
import { PageTable } from './page-table.ts';
import { PagedStore } from './paged-store.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import type { Timestamped } from './table-store.ts';
import { WindowRetention } from './window-retention.ts';

const SHAPE = { second: true, tail: false, timestamp: false } as const;
const TIME_AND_SEQUENCE_BYTES = 12;

export interface JoinStoreOptions<K, V> {
  readonly name: string;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
  readonly retentionMs: number;
}

/**
 * A `JoinStore` in packed pages: a group for each key and slice of time, rows ordered by time, then sequence. The
 * sequence counts the records of a key that have the same time, from 1.
 */
export class PagedJoinStore<K, V> implements JoinStore<K, V> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #codec: StoreCodec<K, V>;
  readonly #table: PageTable<K, V>;
  readonly #retention: WindowRetention;

  private constructor(
    { name, serdes, persistent, retentionMs }: JoinStoreOptions<K, V>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'join-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.name = name;
    this.#context = context;
    this.#codec = new StoreCodec(name, changelogTopic, serdes);
    this.#table = new PageTable({ storage, store, keys: this.#codec, shape: SHAPE, budget });
    this.#retention = new WindowRetention({ storage, store, retentionMs });
  }

  static open<K, V>(options: JoinStoreOptions<K, V>, context: StoreContext): PagedStore {
    const store = new PagedJoinStore(options, context);
    return new PagedStore({
      name: options.name,
      kind: 'join',
      face: store,
      tables: [store.#table],
      retention: store.#retention,
      restore: (record) => {
        store.#restore(record);
      },
      undo: () => {
        store.#table.undo();
      },
    });
  }

  put(key: K, value: V | null, timestampMs: number): void {
    if (key === null || key === undefined) throw this.#codec.nullKey();
    if (value === null) return;
    if (!this.#retention.observe(timestampMs)) {
      this.#context.dropExpiredWindow();
      return;
    }
    const table = this.#table;
    table.begin();
    const group = table.group(this.#retention.keys.slice(timestampMs), key);
    const bytes = this.#codec.valueToBytes(value);
    const sequence = table.lastSecondOf(group, timestampMs) + 1;
    const row = table.place(group, timestampMs, sequence, null);
    table.write(group, row, bytes, -1);
    if (this.#codec.immutableValues) row.live = value;
    this.#context.changelog?.append(
      joinLogKey(group.keyBytes, timestampMs, sequence),
      bytes,
      this.#context.recordTimestampMs(),
    );
  }

  fetch(key: K, fromMs: number, toMs: number): readonly Timestamped<V>[] {
    if (key === null || key === undefined) throw this.#codec.nullKey();
    const { expiredUpToMs, observedMs, keys } = this.#retention;
    const from = Math.max(fromMs, expiredUpToMs + 1, 0);
    const to = Math.min(toMs, observedMs);
    const found: Timestamped<V>[] = [];
    if (from > to) return found;
    this.#table.begin();
    const visit = (row: PageRow<V>): boolean => {
      if (row.first > to) return false;
      if (row.bytes !== null) {
        found.push({ value: this.#valueOf(row, row.bytes), timestampMs: row.first });
      }
      return true;
    };
    const lastSlice = keys.slice(to);
    for (let slice = keys.slice(from); slice <= lastSlice; slice++) {
      this.#table.forEachFrom(this.#table.group(slice, key), from, -Infinity, visit);
    }
    return found;
  }

  #valueOf(row: PageRow<V>, bytes: Uint8Array): V {
    if (!this.#codec.immutableValues) return this.#codec.valueFromBytes(bytes);
    row.live ??= this.#codec.valueFromBytes(bytes);
    return row.live;
  }

  #restore({ key, value }: RestoredRecord): void {
    const keyEnd = key.length - TIME_AND_SEQUENCE_BYTES;
    const timestampMs = readInt64(key, keyEnd);
    if (!this.#retention.observe(timestampMs)) return;
    const table = this.#table;
    table.begin();
    const slice = this.#retention.keys.slice(timestampMs);
    const group = table.groupOfBytes(slice, key.subarray(0, keyEnd));
    const row = table.place(group, timestampMs, readInt32(key, keyEnd + 8), null);
    table.write(group, row, value === null ? null : new Uint8Array(value), -1);
  }
}

/** Source: `org.apache.kafka.streams.state.internals.WindowKeySchema`. */
function joinLogKey(keyBytes: Uint8Array, timestampMs: number, sequence: number): Uint8Array {
  const key = new Uint8Array(keyBytes.length + TIME_AND_SEQUENCE_BYTES);
  key.set(keyBytes);
  writeInt64(key, keyBytes.length, timestampMs);
  writeInt32(key, keyBytes.length + 8, sequence);
  return key;
}
