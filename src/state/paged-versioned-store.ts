import { copyBytes } from '../common/byte-pool.ts';
import { StreamsError } from '../common/errors.ts';
import type { Serdes } from '../serde/serde.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { PageGroup } from './page-group.ts';
import type { PageRow } from './page-row.ts';
import { PageTable } from './page-table.ts';
import { PagedStore } from './paged-store.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import type {
  VersionedKeyValueStore,
  VersionedPut,
  VersionedRecord,
} from './versioned-key-value-store.ts';
import { WindowRetention } from './window-retention.ts';

const SHAPE = { second: false, tail: false, timestamp: false } as const;
/** Versions expire one by one, never by slice. */
const SLICE = -1;
const DELETION = Uint8Array.of(0);
const VALUE = 1;

export interface VersionedStoreOptions<K, V> {
  readonly name: string;
  readonly serdes: Serdes<K, V>;
  readonly persistent: boolean;
  readonly historyRetentionMs: number;
}

/**
 * A `VersionedKeyValueStore` in packed pages: a group for each key, rows ordered by the time from which they are valid;
 * each is valid until the next. The history retention is the grace period of writes too, as in Kafka Streams.
 *
 *     value    u8 0 for a deletion; u8 1, value
 *
 * A version that no read can show any more leaves with the next write of its key. A rejected write is not logged;
 * Kafka Streams logs it, and ignores it when it restores.
 */
export class PagedVersionedStore<K, V> implements VersionedKeyValueStore<K, V> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #codec: StoreCodec<K, V>;
  readonly #table: PageTable<K, V>;
  readonly #retention: WindowRetention;
  readonly #historyRetentionMs: number;

  private constructor(
    { name, serdes, persistent, historyRetentionMs }: VersionedStoreOptions<K, V>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'versioned-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.name = name;
    this.#context = context;
    this.#codec = new StoreCodec(name, changelogTopic, serdes);
    this.#table = new PageTable({ storage, store, keys: this.#codec, shape: SHAPE, budget });
    this.#retention = new WindowRetention({ storage, store, retentionMs: historyRetentionMs });
    this.#historyRetentionMs = historyRetentionMs;
  }

  static open<K, V>(options: VersionedStoreOptions<K, V>, context: StoreContext): PagedStore {
    const store = new PagedVersionedStore(options, context);
    return new PagedStore({
      name: options.name,
      kind: 'versioned',
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

  get(key: K): VersionedRecord<V> | null {
    const group = this.#groupOf(key);
    const row = this.#table.lastBefore(group, Infinity);
    return row === null ? null : this.#record(row, null);
  }

  getAsOf(key: K, asOfMs: number): VersionedRecord<V> | null {
    const group = this.#groupOf(key);
    const row = this.#table.lastBefore(group, asOfMs + 1);
    if (row === null) return null;
    const next = this.#table.next(group, row);
    // History retention has passed: only the latest version never expires.
    if (asOfMs < this.#oldestMs && next !== null) return null;
    return this.#record(row, next);
  }

  put(key: K, value: V | null, timestampMs: number): VersionedPut {
    if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        `${timestampMs} is no time of a version: give whole milliseconds from 0`,
        { site: { store: this.name } },
      );
    }
    const group = this.#groupOf(key);
    const bytes = value === null ? null : this.#codec.valueToBytes(value);
    const validTo = this.#insert(group, bytes, timestampMs);
    if (validTo === 'rejected') this.#context.dropExpiredWindow();
    else this.#context.changelog?.append(group.keyBytes, bytes, timestampMs);
    return validTo;
  }

  delete(key: K, timestampMs: number): VersionedRecord<V> | null {
    const before = timestampMs < this.#oldestMs ? null : this.getAsOf(key, timestampMs);
    this.put(key, null, timestampMs);
    return before;
  }

  /** What is older can be neither written nor, unless it is the latest, read. */
  get #oldestMs(): number {
    return this.#retention.observedMs - this.#historyRetentionMs;
  }

  #groupOf(key: K): PageGroup<V> {
    if (key === null || key === undefined) throw this.#codec.nullKey();
    this.#table.begin();
    return this.#table.group(SLICE, key);
  }

  #insert(group: PageGroup<V>, value: Uint8Array | null, timestampMs: number): VersionedPut {
    if (timestampMs < this.#oldestMs) return 'rejected';
    this.#retention.observe(timestampMs);
    const row = this.#table.place(group, timestampMs, 0, null);
    this.#table.write(group, row, value === null ? DELETION : marked(value), -1);
    const next = this.#table.next(group, row);
    this.#prune(group);
    return next?.first ?? 'latest';
  }

  /** Takes out what ended before history retention, from the oldest on. */
  #prune(group: PageGroup<V>): void {
    let row = this.#table.next(group, null);
    while (row !== null) {
      const next = this.#table.next(group, row);
      const endMs = next?.first ?? (isDeletion(row) ? row.first : Infinity);
      if (endMs >= this.#oldestMs) return;
      this.#table.write(group, row, null, -1);
      row = next;
    }
  }

  #record(row: PageRow<V>, next: PageRow<V> | null): VersionedRecord<V> | null {
    const { bytes, first: timestampMs } = row;
    if (bytes === null || isDeletion(row)) return null;
    const value = this.#codec.valueFromBytes(bytes.subarray(1));
    return { value, timestampMs, validToMs: next?.first ?? null };
  }

  #restore({ key, value, timestampMs }: RestoredRecord): void {
    this.#table.begin();
    const group = this.#table.groupOfBytes(SLICE, key);
    this.#insert(group, value === null ? null : copyBytes(value), timestampMs);
  }
}

function isDeletion({ bytes }: { readonly bytes: Uint8Array | null }): boolean {
  return bytes?.[0] !== VALUE;
}

function marked(value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + value.length);
  bytes[0] = VALUE;
  bytes.set(value, 1);
  return bytes;
}
