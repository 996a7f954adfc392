import type { StorageEntry, StorageRange } from './task-storage.ts';
import type { StoreKind } from './store-builder.ts';

/** One changelog record on its way back into a store. The bytes may be reused after the call. */
export interface RestoredRecord {
  readonly key: Uint8Array;
  /** Null deletes. */
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
}

/**
 * A store as its task drives it. The task calls, in this order:
 *
 *     restore…  the changelog, in batches, straight into the storage
 *     …the operators read and write…
 *     flush     before a commit: what the record cache holds is forwarded, and goes to the changelog
 *     seal      the writes of this transaction, as entries for the storage; later writes belong to the next one
 *     written   the storage has them, so they may be forgotten
 *
 * or, instead of `seal`, `discard` when the transaction was aborted or its outcome is unknown. There is one sealed
 * layer at a time: `written` comes before the next `seal`.
 */
export interface ManagedStore {
  readonly name: string;
  readonly kind: StoreKind;
  /** Bytes of writes that are in no transaction that has committed. */
  readonly uncommittedBytes: number;
  /**
   * True while the record cache holds writes back. What one store's flush forwards may write to another store, so the
   * task flushes its stores until none is unflushed.
   */
  readonly unflushed: boolean;

  /** The database entries that these changelog records amount to; the last of a key wins. */
  restore(records: Iterable<RestoredRecord>): Iterable<StorageEntry>;

  /** Lets go of what was held back when it was called; what that makes others write stays held back. */
  flush(): void;
  /** Read the entries before `written`. Errors: `STREAMS_INVARIANT` while `unflushed`. */
  seal(): Iterable<StorageEntry>;
  written(): void;
  /** Forgets what `seal` has not handed out, cached objects and the record cache included. */
  discard(): void;

  /** From here on the store remembers what it overwrites (a failing record is taken back whole). */
  beginUndo(): void;
  /** Puts back what was there at `beginUndo`. */
  undo(): void;
  /** Keeps the writes. */
  endUndo(): void;

  /** Database keys that no read can show any more; cleared from the storage after a commit. Each range comes once. */
  expired(): StorageRange | null;
  close(): void;
}

/** A store of a kind that has one face, for whoever it is: see `store-views.ts`. */
export interface FacedStore extends ManagedStore {
  readonly face: object;
}
