import type { Headers } from '../common/record.ts';

/** `[startMs, endMs]`, both included: the times of the first and of the last record of a session. */
export interface SessionBounds {
  readonly startMs: number;
  readonly endMs: number;
}

/** As `TableListener`, for a row that is one session of a key. */
export type SessionTableListener<K, A> = (
  key: K,
  startMs: number,
  endMs: number,
  newValue: A | null,
  oldValue: A | null,
  timestampMs: number,
  headers: Headers,
) => void;

/** A session of some key, with its aggregate. */
export interface SessionRow<K, A> extends SessionBounds {
  readonly key: K;
  readonly value: A;
}

/**
 * How the built-in operators keep the sessions of a stream: one aggregate for each key, start and end. Its time is the
 * end of the session, so rows carry no timestamp of their own; the changelog record has that of the record being
 * processed. `get`, `getOwn`, `disown`, `update`, `updateShared` and `listen` promise what `TableStore` does.
 *
 * A session that ends at or before the highest end seen less the retention reads as null; an update of it is dropped,
 * counted (`expired-window`) and not forwarded.
 *
 * Source: `SessionStore`, `CachingSessionStore`, `RocksDBSessionStore`.
 */
export interface SessionTableStore<K, A> {
  readonly name: string;
  /**
   * The sessions of a key that end at `earliestEndMs` or later and start at `latestStartMs` or earlier, by end, then by
   * start. As of the call: what is written afterwards does not change the answer.
   */
  findSessions(key: K, earliestEndMs: number, latestStartMs: number): readonly SessionBounds[];
  get(key: K, startMs: number, endMs: number): A | null;
  getOwn(key: K, startMs: number, endMs: number): A | null;
  disown(key: K, startMs: number, endMs: number): void;
  /** Null deletes. */
  update(
    key: K,
    startMs: number,
    endMs: number,
    value: A | null,
    timestampMs: number,
    headers: Headers,
  ): void;
  updateShared(
    key: K,
    startMs: number,
    endMs: number,
    value: A | null,
    timestampMs: number,
    headers: Headers,
  ): void;
  listen(listener: SessionTableListener<K, A>, options: { readonly sendOldValues: boolean }): void;
  /**
   * Sessions of all keys that end in `[fromMs, toMs]`, by end, then start, then key bytes, for emission on window close.
   * The values are the caller's. Read lazily, so the store must not be written before the iteration is over.
   *
   * Errors: `STREAMS_INVARIANT` for a store that was built without a time index.
   */
  endedIn(fromMs: number, toMs: number): Iterable<SessionRow<K, A>>;
}
