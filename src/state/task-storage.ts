/** How far a store's changelog is contained in the storage, and which topic that was. */
export interface ChangelogPosition {
  /** Lower-case hex; a topic that was deleted and made again has another. */
  readonly topicId: string;
  /** Offset of the next record to restore. */
  readonly offset: number;
  /** When it was written; a position older than the topic keeps tombstones is of no use. */
  readonly wallTimeMs: number;
}

/** `[from, to)` of database keys. */
export interface StorageRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** A database key with its new value, or with null to delete. */
export type StorageEntry = readonly [key: Uint8Array, value: Uint8Array | null];

/** What one commit of a task changes: entries of its stores, and how far their changelogs are now. */
export interface CommittedChanges {
  /** A key comes up at most once. */
  readonly entries: Iterable<StorageEntry>;
  /** By changelog topic. */
  readonly positions: ReadonlyMap<string, ChangelogPosition>;
}

/** How rows look in the storage (docs/formats.md). */
export type StoreLayout =
  | 'key-value'
  | 'timestamped-key-value'
  | 'window'
  | 'timestamped-window'
  | 'window-pages'
  | 'window-pages-by-time'
  | 'session-pages'
  | 'session-pages-by-time'
  | 'join-pages'
  | 'outer-join-pages'
  | 'change-buffer-pages'
  | 'record-buffer-pages'
  | 'versioned-pages'
  | 'subscription-pages';

/** What a storage has to know of a store to give it a number. */
export interface StoreDescription {
  readonly name: string;
  readonly layout: StoreLayout;
  /** False: its rows and the position of its changelog stay in memory, whatever the storage. */
  readonly persistent: boolean;
  readonly changelogTopic: string;
}

/**
 * Where one task keeps the committed bytes of all its stores: LevelDB (`adapters/level`) or memory.
 *
 * The task calls `write` only for what Kafka has committed, and one call moves entries and positions together. So it
 * never holds undecided data and never claims a position whose entries it lacks (docs/adr/0006-commit-then-flush.md).
 *
 * Errors: `STREAMS_STATE_IO`, `STREAMS_STATE_CORRUPT`.
 */
export interface TaskStorage {
  /** True where the content outlives the process. */
  readonly persistent: boolean;
  /** Synchronous: a warm read takes 3 µs, an awaited one 13. The bytes are the caller's. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** In key order, or reversed; a snapshot of the moment of the call. The iterator must be returned or run out. */
  iterate(
    range: StorageRange,
    options?: { readonly reverse?: boolean },
  ): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /**
   * The number of a store in the keys of this storage; given out once and kept with the data.
   *
   * Errors: `STREAMS_STATE_INCOMPATIBLE` where the data was written with another layout.
   */
  storeNumber(store: StoreDescription): number;
  position(changelogTopic: string): ChangelogPosition | undefined;
  /** The id of a source topic that the content came from; undefined where nobody has said. */
  sourceId(topic: string): string | undefined;
  /** From the next write on the content comes from these source topics too: ids by topic. */
  setSourceIds(ids: ReadonlyMap<string, string>): void;
  /** Calls are written in order; one at a time. */
  write(changes: CommittedChanges): Promise<void>;
  /** Drops a range: expired windows, after the commit that passed them. Writes may go on meanwhile; `close` waits. */
  clear(range: StorageRange): Promise<void>;
  close(): Promise<void>;
}
