/** A caching store's side of the record cache. */
export interface CacheOwner {
  /** Bytes it holds back. */
  readonly heldBytes: number;
  /** Lets go of everything it holds back, oldest write first: into the changelog and to its listener. */
  evict(): void;
}

/**
 * `statestoreCacheMaxBytes` of one stream thread: Kafka Streams' record cache, which decides what is forwarded. With 0
 * nothing is withheld. When it is over its limit, the store that grew lets go of all that it holds back, as
 * `NamedCache` does once its eldest entry is dirty. (There, entries that were forwarded stay and take room; here they
 * leave, since the object cache has them.)
 */
export interface RecordCache {
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Records growth (or, negative, shrinking) of one owner; may call its `evict`. */
  grow(owner: CacheOwner, bytes: number): void;
}
