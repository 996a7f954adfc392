import { readInt64, writeInt64 } from '../common/bytes.ts';
import { invariant, StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import { Windowed } from '../common/windowed.ts';
import { CachedPages, type CachedPagesKind, type CachedPagesOptions } from './cached-pages.ts';
import type { PageRow } from './page-row.ts';
import type { PagedStore } from './paged-store.ts';
import type {
  SessionBounds,
  SessionRow,
  SessionTableListener,
  SessionTableStore,
} from './session-table-store.ts';
import type { ReadOnlySessionStore, SessionStore } from './session-store.ts';
import type { StoreContext } from './store-context.ts';

const TIMES_BYTES = 16;

/** Sessions in packed pages: rows ordered by end, then start. */
export class PagedSessionStore<K, A> implements SessionTableStore<K, A> {
  readonly #pages: CachedPages<K, A>;
  readonly #context: StoreContext;
  #listener: SessionTableListener<K, A> | null = null;

  private constructor(options: CachedPagesOptions<K, A>, context: StoreContext) {
    const kind: CachedPagesKind<K, A> = {
      kind: 'session',
      layout: options.timeIndex ? 'session-pages-by-time' : 'session-pages',
      shape: { second: true, tail: false, timestamp: false },
      logKey: sessionLogKey,
      placeOf: (logKey) => {
        const keyLength = logKey.length - TIMES_BYTES;
        const first = readInt64(logKey, keyLength);
        return { first, second: readInt64(logKey, keyLength + 8), tail: null, keyLength };
      },
      tell: (key, row, newValue, oldValue, _timestampMs, headers) => {
        // The time of a session's update is its end, also where the cache lets go of a deletion.
        const { first: endMs, second: startMs } = row;
        this.#listener?.(key, startMs, endMs, newValue, oldValue, endMs, headers);
      },
    };
    this.#pages = new CachedPages(options, kind, context);
    this.#context = context;
  }

  static open<K, A>(options: CachedPagesOptions<K, A>, context: StoreContext): PagedStore {
    const store = new PagedSessionStore(options, context);
    return store.#pages.managed(store);
  }

  get name(): string {
    return this.#pages.name;
  }

  findSessions(key: K, earliestEndMs: number, latestStartMs: number): readonly SessionBounds[] {
    const sessions: SessionBounds[] = [];
    for (const row of this.#pages.rowsOf(key, { fromMs: earliestEndMs, toMs: Infinity })) {
      if (row.second <= latestStartMs) sessions.push({ startMs: row.second, endMs: row.first });
    }
    return sessions;
  }

  get(key: K, startMs: number, endMs: number): A | null {
    const row = this.#pages.find(key, endMs, startMs);
    return row === null ? null : (this.#pages.rows.forCaller(row) ?? null);
  }

  getOwn(key: K, startMs: number, endMs: number): A | null {
    const row = this.#pages.findToChange(key, endMs, startMs);
    return row === null ? null : (this.#pages.rows.own(row) ?? null);
  }

  disown(key: K, startMs: number, endMs: number): void {
    const row = this.#pages.find(key, endMs, startMs);
    if (row !== null) this.#pages.rows.disown(row);
  }

  update(
    key: K,
    startMs: number,
    endMs: number,
    value: A | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#update(key, startMs, endMs, value, timestampMs, headers, false);
  }

  updateShared(
    key: K,
    startMs: number,
    endMs: number,
    value: A | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#update(key, startMs, endMs, value, timestampMs, headers, true);
  }

  listen(listener: SessionTableListener<K, A>, options: { readonly sendOldValues: boolean }): void {
    invariant(this.#listener === null, 'a store has one listener', { store: this.name });
    this.#listener = listener;
    this.#pages.rows.listen(options.sendOldValues);
  }

  *endedIn(fromMs: number, toMs: number): Generator<SessionRow<K, A>> {
    for (const [keyBytes, row] of this.#pages.inTime({ fromMs, toMs })) {
      const value = this.#pages.rows.forCaller(row);
      if (value === undefined) continue;
      const key = this.#pages.codec.keyFromBytes(keyBytes);
      yield { key, startMs: row.second, endMs: row.first, value };
    }
  }

  /** As a processor has it. */
  view(): SessionStore<K, A> {
    return new SessionView(this.#pages, this.#context);
  }

  /** For interactive queries. */
  committedView(): ReadOnlySessionStore<K, A> {
    return new CommittedSessionView(this.#pages);
  }

  #update(
    key: K,
    startMs: number,
    endMs: number,
    value: A | null,
    timestampMs: number,
    headers: Headers,
    shared: boolean,
  ): void {
    const row = this.#pages.rowToWrite(key, endMs, startMs);
    if (row === null) return;
    const logTimestampMs = this.#context.recordTimestampMs();
    this.#pages.rows.update(row, value, timestampMs, logTimestampMs, headers, shared);
  }
}

/** Sessions as committed. */
class CommittedSessionView<K, A> implements ReadOnlySessionStore<K, A> {
  protected readonly pages: CachedPages<K, A>;

  constructor(pages: CachedPages<K, A>) {
    this.pages = pages;
  }

  get name(): string {
    return this.pages.name;
  }

  fetchSession(key: K, startMs: number, endMs: number): A | null {
    const row = this.rowsOf(key, endMs, endMs).find(({ second }) => second === startMs);
    return row === undefined ? null : this.valueOf(row);
  }

  fetch(key: K): AsyncIterable<readonly [session: Windowed<K>, value: A]> {
    return this.findSessions(key, 0, Infinity);
  }

  async *findSessions(
    key: K,
    earliestEndMs: number,
    latestStartMs: number,
  ): AsyncGenerator<readonly [session: Windowed<K>, value: A]> {
    await Promise.resolve(); // as all scans, it begins with the first read
    const found: (readonly [Windowed<K>, A])[] = [];
    for (const row of this.rowsOf(key, earliestEndMs, Infinity)) {
      if (row.second > latestStartMs) continue;
      found.push([new Windowed(key, row.second, row.first), this.valueOf(row)]);
    }
    yield* found;
  }

  protected rowsOf(key: K, fromMs: number, toMs: number): PageRow<A>[] {
    return this.pages.committedRowsOf(key, { fromMs, toMs });
  }

  protected valueOf({ bytes }: PageRow<A>): A {
    invariant(bytes !== null, 'a committed row has a value', { store: this.name });
    return this.pages.codec.valueFromBytes(bytes);
  }
}

/** Sessions as the task sees them. */
class SessionView<K, A> extends CommittedSessionView<K, A> implements SessionStore<K, A> {
  readonly #context: StoreContext;

  constructor(pages: CachedPages<K, A>, context: StoreContext) {
    super(pages);
    this.#context = context;
  }

  put({ key, startMs, endMs }: Windowed<K>, value: A | null): void {
    if (!Number.isSafeInteger(startMs) || startMs < 0 || !(startMs <= endMs)) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        `[${startMs}, ${endMs}] are no bounds of a session: give whole milliseconds from 0, the start first`,
        { site: { store: this.name } },
      );
    }
    const row = this.pages.rowToWrite(key, endMs, startMs);
    if (row !== null) this.pages.rows.put(row, value, this.#context.recordTimestampMs());
  }

  remove(session: Windowed<K>): void {
    this.put(session, null);
  }

  protected override rowsOf(key: K, fromMs: number, toMs: number): PageRow<A>[] {
    return this.pages.rowsOf(key, { fromMs, toMs });
  }

  protected override valueOf(row: PageRow<A>): A {
    const value = this.pages.rows.forCaller(row);
    invariant(value !== undefined, 'a row that was found has a value', { store: this.name });
    return value;
  }
}

/** Source: `org.apache.kafka.streams.state.internals.SessionKeySchema`. */
function sessionLogKey(
  keyBytes: Uint8Array,
  { first, second }: { readonly first: number; readonly second: number },
): Uint8Array {
  const key = new Uint8Array(keyBytes.length + TIMES_BYTES);
  key.set(keyBytes);
  writeInt64(key, keyBytes.length, first);
  writeInt64(key, keyBytes.length + 8, second);
  return key;
}
