/** A caching store's side of the record cache. */
export interface CacheOwner {
  /** Forwards and logs everything dirty, oldest first; the entries stay, clean. */
  flush(): void;
  /** Drops its least recently used entry, flushing first where that is dirty; returns the bytes freed, 0 if empty. */
  evict(): number;
}

/**
 * `statestoreCacheMaxBytes` of one stream thread: Kafka Streams' record cache, which decides what is forwarded. With 0
 * nothing is withheld. When it is over its limit, the store that grew evicts its own least recently used entries, and
 * a dirty one takes all dirty entries of that store with it, as `NamedCache` does.
 */
export interface RecordCache {
  readonly maxBytes: number;
  readonly usedBytes: number;
  register(owner: CacheOwner): void;
  unregister(owner: CacheOwner): void;
  grow(owner: CacheOwner, bytes: number): void;
}
