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

/** What one commit of a task changes: entries of its stores, and how far their changelogs are now. */
export interface CommittedChanges {
  /** Database keys, with null to delete; a key comes up at most once. */
  readonly entries: Iterable<readonly [key: Uint8Array, value: Uint8Array | null]>;
  /** By changelog topic. */
  readonly positions: ReadonlyMap<string, ChangelogPosition>;
}

/**
 * Where one task keeps the committed bytes of all its stores: LevelDB (`adapters/level`) or memory.
 *
 * The task calls `write` only for what Kafka has committed, and one call moves entries and positions together. So it
 * never holds undecided data and never claims a position whose entries it lacks (docs/adr: commit, then flush).
 *
 * Errors: `STREAMS_STATE_IO`.
 */
export interface TaskStorage {
  /** True where the content outlives the process. */
  readonly persistent: boolean;
  /** Synchronous: a warm read takes 3 µs, an awaited one 13. The bytes are the caller's. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** In key order, or reversed; a snapshot of the moment of the call. */
  iterate(
    range: StorageRange,
    options?: { readonly reverse?: boolean },
  ): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** The number of a store in the keys of this storage; given out once and kept with the data. */
  storeNumber(storeName: string): number;
  position(changelogTopic: string): ChangelogPosition | undefined;
  /** Calls are written in order; one at a time. */
  write(changes: CommittedChanges): Promise<void>;
  /** Drops a range: expired windows, after the commit that passed them. */
  clear(range: StorageRange): Promise<void>;
  close(): Promise<void>;
}
