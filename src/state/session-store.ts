import type { Windowed } from '../common/windowed.ts';

/**
 * Reads show only sessions that end after the highest end seen less the retention, as Kafka Streams. A session's
 * `Windowed` key has both bounds included.
 *
 * Source: `org.apache.kafka.streams.state.ReadOnlySessionStore`.
 */
export interface ReadOnlySessionStore<K, A> {
  readonly name: string;
  /** The value of one session. */
  fetchSession(key: K, startMs: number, endMs: number): A | null;
  /** All sessions of a key, by end, then start. */
  fetch(key: K): AsyncIterable<readonly [session: Windowed<K>, value: A]>;
  /** Sessions of a key that end at `earliestEndMs` or later and start at `latestStartMs` or earlier. */
  findSessions(
    key: K,
    earliestEndMs: number,
    latestStartMs: number,
  ): AsyncIterable<readonly [session: Windowed<K>, value: A]>;
}

/** Errors: as `KeyValueStore`; `STREAMS_PROCESSING` for bounds that are no whole numbers from 0, or out of order. */
export interface SessionStore<K, A> extends ReadOnlySessionStore<K, A> {
  /** A null value deletes. A session older than the retention is dropped and counted (`expired-window`). */
  put(session: Windowed<K>, value: A | null): void;
  remove(session: Windowed<K>): void;
}
