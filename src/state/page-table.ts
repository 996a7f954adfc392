import { compareBytes } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import { fromLatin1, toLatin1 } from '../common/latin1.ts';
import { PageKeys } from './database-keys.ts';
import type { EntryId } from './entry.ts';
import type { ObjectBudget, ObjectHolder } from './object-budget.ts';
import { PageFormat, type RowShape } from './page-format.ts';
import { firstNotBefore, Page, PageGroup } from './page-group.ts';
import { PageRow, type RowOrder } from './page-row.ts';
import type { StorageEntry, StorageRange, TaskStorage } from './task-storage.ts';

/** Pages are split beyond this. LevelDB's blocks are smaller, but a point read of this size is still one seek. */
const PAGE_BYTES = 65_536;

/** What a row in memory costs beside its bytes; measured: 245 as it was decoded, 330 as it was written. */
const ROW_BYTES = 250;

/** How the keys of groups are written and told apart; a `StoreCodec` is one. */
export interface GroupKeys<K> {
  keyToBytes(key: K): Uint8Array;
  keyFromBytes(bytes: Uint8Array): K;
  identityOf(key: K): EntryId | undefined;
}

const NO_BYTES = new Uint8Array(0);
/** Before all rows. */
const BEGINNING: RowOrder = { first: -Infinity, second: -Infinity, tail: null };
/** Of the first page of a group, which has all that is below the second: so it is never compared. */
const FIRST_LOW: RowOrder = { first: 0, second: 0, tail: null };

/** For tables that are one group: what is ordered by time alone. */
export const ONE_GROUP: GroupKeys<null> = {
  keyToBytes: () => NO_BYTES,
  keyFromBytes: () => null,
  identityOf: () => '',
};

export interface PageTableOptions<K> {
  readonly storage: TaskStorage;
  readonly store: number;
  readonly keys: GroupKeys<K>;
  readonly shape: RowShape;
  readonly budget: ObjectBudget;
}

/** A table as its store drives it through transactions; see `ManagedStore`. */
export interface PagedRows {
  readonly dirtyBytes: number;
  seal(): readonly StorageEntry[];
  written(): void;
  restored(): readonly StorageEntry[];
  clear(): void;
  close(): void;
  dropSlicesBefore(slice: number): void;
  beginUndo(): void;
  endUndo(): void;
}

interface FormerRow<V> {
  readonly row: PageRow<V>;
  readonly bytes: Uint8Array | null;
  readonly timestampMs: number;
  readonly held: PageRow<V>['held'];
}

/** The groups of one slice. */
interface Slice<V> {
  readonly byIdentity: Map<EntryId, PageGroup<V>>;
  /** Of keys that have no identity: a text may look like another key's bytes. */
  readonly byBytes: Map<EntryId, PageGroup<V>>;
}

let generations = 0;

/**
 * Rows in order, packed in pages: the entries of one key in one slice of time are one value of the storage, or several
 * of up to 64 KiB under a head page. All reads are synchronous: a page is one point read, and stays decoded as long as
 * the object budget lasts.
 *
 *     rows       newest; `write` makes their page dirty
 *     sealed     pages of the committed transaction on their way to the storage, as bytes
 *     storage    committed pages
 *
 * A row that was returned is good until `begin`, with which each operation of the store starts: only then pages may
 * leave the memory. Dirty pages stay until they are sealed.
 *
 * See docs/adr/0010-packed-pages.md.
 */
export class PageTable<K, V> implements ObjectHolder, PagedRows {
  readonly #storage: TaskStorage;
  readonly #pageKeys: PageKeys;
  readonly #keys: GroupKeys<K>;
  readonly #format: PageFormat<V>;
  readonly #budget: ObjectBudget;

  #slices = new Map<number, Slice<V>>();
  /** The group of the operation before: a read and the write of the same key follow each other. */
  #last: PageGroup<V> | null = null;
  #dirty: PageGroup<V>[] = [];
  #dirtyBytes = 0;
  #sealed = new Map<string, Uint8Array | null>();
  /** Clean pages that this operation uses. */
  #recent: Page<V>[] = [];
  /** Clean pages that may be dropped, oldest first; second chance. */
  readonly #idle = new Set<Page<V>>();
  #undo: FormerRow<V>[] | null = null;
  #undoGeneration = 0;

  constructor({ storage, store, keys, shape, budget }: PageTableOptions<K>) {
    this.#storage = storage;
    this.#pageKeys = new PageKeys(store);
    this.#keys = keys;
    this.#format = new PageFormat(shape);
    this.#budget = budget;
    budget.register(this);
  }

  /** Of pages that hold what is in no committed transaction. */
  get dirtyBytes(): number {
    return this.#dirtyBytes;
  }

  get droppable(): number {
    return this.#undo === null ? this.#idle.size : 0;
  }

  /** Starts an operation: rows of the one before must not be used any more. */
  begin(): void {
    if (this.#recent.length === 0 || this.#undo !== null) return;
    const recent = this.#recent;
    this.#recent = [];
    for (const page of recent) this.#toIdle(page);
  }

  /** The group of a key in a slice; an empty one where nothing is stored. */
  group(slice: number, key: K): PageGroup<V> {
    const identity = this.#keys.identityOf(key);
    const last = this.#last;
    if (last?.slice === slice && last.identified && last.id === identity) return last;
    const found =
      identity === undefined ? undefined : this.#slices.get(slice)?.byIdentity.get(identity);
    const group = found ?? this.#groupOf(slice, this.#keys.keyToBytes(key), identity);
    this.#last = group;
    return group;
  }

  /** As `group`, by the bytes of the key. They are copied where they are kept. */
  groupOfBytes(slice: number, keyBytes: Uint8Array): PageGroup<V> {
    return this.#groupOf(slice, keyBytes, undefined);
  }

  #groupOf(slice: number, keyBytes: Uint8Array, known: EntryId | undefined): PageGroup<V> {
    // A key without an identity may be written as one that has it: text with half a surrogate pair, say.
    const identity = known ?? this.#keys.identityOf(this.#keys.keyFromBytes(keyBytes));
    const id = identity ?? toLatin1(keyBytes);
    let groups = this.#slices.get(slice);
    if (groups === undefined) {
      groups = { byIdentity: new Map(), byBytes: new Map() };
      this.#slices.set(slice, groups);
    }
    const index = identity === undefined ? groups.byBytes : groups.byIdentity;
    const found = index.get(id);
    if (found !== undefined) return found;
    const group = new PageGroup<V>(slice, id, identity !== undefined, new Uint8Array(keyBytes));
    this.#load(group);
    index.set(id, group);
    return group;
  }

  // Rows

  /** Undefined where there is none, and none has been. */
  get(
    group: PageGroup<V>,
    first: number,
    second: number,
    tail: Uint8Array | null,
  ): PageRow<V> | undefined {
    const rows = this.#rowsOf(this.#pageAt(group, group.placeOf(first, second, tail)));
    const row = rows[firstNotBefore(rows, first, second, tail)];
    if (row?.first !== first || row.second !== second) return undefined;
    return tail === null || sameBytes(row.tail, tail) ? row : undefined;
  }

  /** The row in its place; made, without bytes, where there is none. The tail must be the callee's to keep. */
  place(group: PageGroup<V>, first: number, second: number, tail: Uint8Array | null): PageRow<V> {
    const at = group.placeOf(first, second, tail);
    const rows = this.#rowsOf(this.#pageAt(group, at));
    const index = firstNotBefore(rows, first, second, tail);
    const found = rows[index];
    if (
      found?.first === first &&
      found.second === second &&
      (tail === null || sameBytes(found.tail, tail))
    ) {
      return found;
    }
    const row = new PageRow<V>(first, second, tail, null, -1);
    row.group = group;
    if (index === rows.length) rows.push(row);
    else rows.splice(index, 0, row);
    return row;
  }

  /** The highest second number of the rows that have this first one; 0 where there are none. */
  lastSecondOf(group: PageGroup<V>, first: number): number {
    const row = this.#lastBefore(group, first, Infinity);
    return row?.first === first ? row.second : 0;
  }

  /** The last row that has something and a first number below one; null where there is none. */
  lastBefore(group: PageGroup<V>, first: number): PageRow<V> | null {
    return this.#lastBefore(group, first, -Infinity);
  }

  /** Whatever page it is in: one that an undo has emptied is there until the commit. */
  #lastBefore(group: PageGroup<V>, first: number, second: number): PageRow<V> | null {
    for (let at = group.placeOf(first, second, null); at >= 0; at--) {
      const rows = this.#rowsOf(this.#pageAt(group, at));
      let index = firstNotBefore(rows, first, second, null) - 1;
      for (; index >= 0; index--) {
        const row = rows[index];
        if (row !== undefined && (row.bytes !== null || row.held !== null)) return row;
      }
    }
    return null;
  }

  /**
   * Calls back for the rows from an order on that hold something, written or held back, until it returns false.
   * The table must not be written meanwhile.
   */
  forEachFrom(
    group: PageGroup<V>,
    first: number,
    second: number,
    visit: (row: PageRow<V>) => boolean,
  ): void {
    const start = group.placeOf(first, second, null);
    for (let at = start; at < group.pages.length; at++) {
      const rows = this.#rowsOf(this.#pageAt(group, at));
      let index = at === start ? firstNotBefore(rows, first, second, null) : 0;
      for (; index < rows.length; index++) {
        const row = rows[index];
        if (row === undefined || (row.bytes === null && row.held === null)) continue;
        if (!visit(row)) return;
      }
    }
  }

  /** The first row after an order that holds something; null where there is none. */
  next(group: PageGroup<V>, after: RowOrder | null): PageRow<V> | null {
    const { first, second, tail } = after ?? BEGINNING;
    const start = group.placeOf(first, second, tail);
    for (let at = start; at < group.pages.length; at++) {
      const rows = this.#rowsOf(this.#pageAt(group, at));
      let index = 0;
      if (at === start) {
        index = firstNotBefore(rows, first, second, tail);
        const row = rows[index];
        if (row?.first === first && row.second === second && sameBytes(row.tail, tail)) index++;
      }
      for (; index < rows.length; index++) {
        const row = rows[index];
        if (row !== undefined && (row.bytes !== null || row.held !== null)) return row;
      }
    }
    return null;
  }

  /** What a row holds from now on; null for nothing. */
  write(group: PageGroup<V>, row: PageRow<V>, bytes: Uint8Array | null, timestampMs: number): void {
    this.remember(row);
    const at = group.placeOf(row.first, row.second, row.tail);
    const page = this.#pageAt(group, at);
    this.#makeDirty(page);
    const before = this.#format.bytesOf(row);
    row.bytes = bytes;
    row.timestampMs = timestampMs;
    const growth = this.#format.bytesOf(row) - before;
    page.bytes += growth;
    this.#dirtyBytes += growth + (before === 0 ? ROW_BYTES : 0);
    if (bytes === null && row.held === null && this.#undo === null) this.#takeOutRow(page, row);
    if (page.bytes > PAGE_BYTES) this.#split(group, at);
  }

  /** Whoever takes rows from the front must not step over all that were there. */
  #takeOutRow({ rows }: Page<V>, row: PageRow<V>): void {
    if (rows === null) return;
    const at = firstNotBefore(rows, row.first, row.second, row.tail);
    if (rows[at] === row) rows.splice(at, 1);
  }

  /** Keeps the page of a row in the memory until it is sealed: something of it is held back. */
  pin(group: PageGroup<V>, row: PageRow<V>): void {
    this.#makeDirty(this.#pageAt(group, group.placeOf(row.first, row.second, row.tail)));
  }

  /** Removes the rows of a group before an order, whole pages unread, without undo. For what has expired. */
  dropBefore(group: PageGroup<V>, first: number): void {
    let count = 0;
    while ((group.pages[count + 1]?.low.first ?? Infinity) < first) count++;
    if (count === 0) return;
    for (const page of group.pages.splice(0, count)) {
      this.#takeOut(page);
      page.rows = null;
      if (page.number > 0) group.removed.push(page.number);
    }
    group.headDirty = true;
    this.#addDirty(group);
  }

  // Transactions

  /** The pages that the open transaction has changed, as they are to be stored. */
  seal(): readonly StorageEntry[] {
    invariant(this.#sealed.size === 0, 'the sealed pages before these are not written yet');
    const entries = this.#encodeDirty();
    for (const [key, value] of entries) this.#sealed.set(toLatin1(key), value);
    return entries;
  }

  written(): void {
    this.#sealed.clear();
  }

  /** As `seal`, of what a restore has put in place, which goes to the storage at once and leaves the memory. */
  restored(): readonly StorageEntry[] {
    const entries = this.#encodeDirty();
    this.clear();
    return entries;
  }

  /** Forgets all that is not sealed. */
  clear(): void {
    for (const page of this.#idle) this.#budget.grow(-page.chargedBytes);
    this.#idle.clear();
    this.#recent = [];
    this.#slices = new Map();
    this.#last = null;
    this.#dirty = [];
    this.#dirtyBytes = 0;
    this.#undo = null;
  }

  close(): void {
    this.clear();
    this.#budget.unregister(this);
  }

  /** Forgets clean pages of the slices from 0 to before this one. */
  dropSlicesBefore(slice: number): void {
    for (const page of this.#idle) {
      if (page.group.slice >= 0 && page.group.slice < slice) this.#drop(page);
    }
  }

  beginUndo(): void {
    this.#undo = [];
    this.#undoGeneration = ++generations;
  }

  endUndo(): void {
    const former = this.#undo ?? [];
    this.#undo = null;
    this.#takeOutEmpty(former.map(({ row }) => row));
  }

  /** A page that counted what was taken back would be split for nothing, again and again. */
  #count(row: PageRow<V>, former: Uint8Array | null): void {
    const { group, first, second, tail, bytes } = row;
    if (group === null || bytes === former) return;
    const page = this.#pageAt(group, group.placeOf(first, second, tail));
    const growth = this.#format.bytesOf({ tail, bytes: former }) - this.#format.bytesOf(row);
    page.bytes += growth;
    this.#dirtyBytes += growth;
  }

  #takeOutEmpty(rows: readonly PageRow<V>[]): void {
    for (const row of rows) {
      const { group, first, second, tail, bytes, held } = row;
      if (group === null || bytes !== null || held !== null) continue;
      this.#takeOutRow(this.#pageAt(group, group.placeOf(first, second, tail)), row);
    }
  }

  /** Before the first change of a row; its held write must have bytes. */
  remember(row: PageRow<V>): void {
    if (this.#undo === null || row.undoGeneration === this.#undoGeneration) return;
    row.undoGeneration = this.#undoGeneration;
    const { bytes, timestampMs, held } = row;
    this.#undo.push({ row, bytes, timestampMs, held });
  }

  /** Gives every touched row back what it held, and returns them. Their pages stay dirty, which ends with the commit. */
  undo(): readonly PageRow<V>[] {
    const former = this.#undo ?? [];
    this.#undo = null;
    const rows = former.map(({ row, bytes, timestampMs, held }) => {
      this.#count(row, bytes);
      row.bytes = bytes;
      row.timestampMs = timestampMs;
      row.held = held;
      row.live = undefined;
      return row;
    });
    this.#takeOutEmpty(rows);
    return rows;
  }

  // Committed content

  /** The rows of a group as committed, whatever the open transaction has changed; decoded for the caller. */
  committedRows(slice: number, keyBytes: Uint8Array): PageRow<V>[] {
    const first = this.#stored(slice, keyBytes, 0);
    if (first === undefined) return [];
    const content = this.#format.readFirst(first);
    if ('rows' in content) return content.rows;
    return content.refs.flatMap(({ number }) => this.#readPage(slice, keyBytes, number));
  }

  /**
   * The groups of some slices in the order of their keys in the storage, with those that it lacks or has older. A
   * snapshot as of the first read as to which there are; their rows are read when they are reached.
   */
  async *groupsIn(
    range: StorageRange,
    committed: boolean,
  ): AsyncGenerator<readonly [slice: number, keyBytes: Uint8Array]> {
    const keys = new Map<string, Uint8Array>();
    for (const [slice, keyBytes] of this.#unwritten(committed)) {
      const key = this.#pageKeys.databaseKey(slice, keyBytes, 0);
      const isInRange = compareBytes(key, range.from) >= 0 && compareBytes(key, range.to) < 0;
      if (isInRange) keys.set(toLatin1(key), key);
    }
    for await (const [key] of this.#storage.iterate(range)) {
      if (this.#pageKeys.page(key) === 0) keys.set(toLatin1(key), key);
    }
    for (const key of [...keys.values()].sort(compareBytes)) {
      yield [this.#pageKeys.slice(key), this.#pageKeys.keyBytes(key)];
    }
  }

  /** The groups that the storage lacks or has older, in no order and some of them twice: sealed ones, and those of the open transaction. */
  #unwritten(committed: boolean): (readonly [slice: number, keyBytes: Uint8Array])[] {
    const sealed = [...this.#sealed.keys()].map((id): readonly [number, Uint8Array] => {
      const key = fromLatin1(id);
      return [this.#pageKeys.slice(key), this.#pageKeys.keyBytes(key)];
    });
    if (committed) return sealed;
    const open = this.#dirty.map(({ slice, keyBytes }) => [slice, keyBytes] as const);
    return [...sealed, ...open];
  }

  // Pages

  #load(group: PageGroup<V>): void {
    const stored = this.#stored(group.slice, group.keyBytes, 0);
    const content = stored === undefined ? { rows: [] } : this.#format.readFirst(stored);
    if ('rows' in content) {
      const bytes = stored?.length ?? 0;
      const page = new Page(group, { number: 0, low: FIRST_LOW }, content.rows, bytes);
      for (const row of content.rows) row.group = group;
      group.pages = [page];
      this.#recent.push(page);
    } else {
      group.pages = content.refs.map((ref) => new Page<V>(group, ref, null, 0));
      group.nextNumber = content.nextNumber;
    }
  }

  #pageAt(group: PageGroup<V>, at: number): Page<V> {
    const page = group.pages[at];
    invariant(page !== undefined, 'a group has a page for every row');
    return page;
  }

  #rowsOf(page: Page<V>): PageRow<V>[] {
    if (!page.dirty) this.#use(page);
    return page.rows ?? this.#loadRows(page);
  }

  #loadRows(page: Page<V>): PageRow<V>[] {
    const { slice, keyBytes } = page.group;
    const rows = this.#readPage(slice, keyBytes, page.number);
    page.rows = rows;
    page.bytes = 1;
    for (const row of rows) {
      row.group = page.group;
      page.bytes += this.#format.bytesOf(row);
    }
    this.#recent.push(page);
    return rows;
  }

  #readPage(slice: number, keyBytes: Uint8Array, number: number): PageRow<V>[] {
    const bytes = this.#stored(slice, keyBytes, number);
    invariant(bytes !== undefined, 'the pages that a head names are there');
    return this.#format.read(bytes);
  }

  #stored(slice: number, keyBytes: Uint8Array, number: number): Uint8Array | undefined {
    const key = this.#pageKeys.databaseKey(slice, keyBytes, number);
    if (this.#sealed.size > 0) {
      const sealed = this.#sealed.get(toLatin1(key));
      if (sealed !== undefined) return sealed ?? undefined;
    }
    return this.#storage.get(key);
  }

  #makeDirty(page: Page<V>): void {
    if (page.dirty) return;
    this.#takeOut(page);
    page.dirty = true;
    this.#dirtyBytes += page.bytes + ROW_BYTES * (page.rows?.length ?? 0);
    this.#addDirty(page.group);
  }

  #addDirty(group: PageGroup<V>): void {
    if (group.dirty) return;
    group.dirty = true;
    this.#dirty.push(group);
  }

  /** In two. Where rows come in order, the page stays full and only what was put last begins the new one. */
  #split(group: PageGroup<V>, at: number): void {
    const page = this.#pageAt(group, at);
    const { rows } = page;
    if (rows === null || rows.length < 2) return;
    const isLast = at === group.pages.length - 1;
    const moved = rows.splice(isLast ? rows.length - 1 : rows.length >>> 1);
    const low = moved[0];
    invariant(low !== undefined, 'a page of two rows can be split');
    let bytes = 1;
    for (const row of moved) bytes += this.#format.bytesOf(row);
    page.bytes -= bytes - 1;
    if (page.number === 0) page.number = group.nextNumber++;
    const { first, second, tail } = low;
    const ref = { number: group.nextNumber++, low: { first, second, tail } };
    const added = new Page(group, ref, moved, bytes);
    added.dirty = true;
    group.pages.splice(at + 1, 0, added);
    group.headDirty = true;
  }

  #encodeDirty(): StorageEntry[] {
    const entries: StorageEntry[] = [];
    const groups = this.#dirty;
    this.#dirty = [];
    this.#dirtyBytes = 0;
    for (const group of groups) this.#encodeGroup(group, entries);
    return entries;
  }

  #encodeGroup(group: PageGroup<V>, entries: StorageEntry[]): void {
    group.dirty = false;
    for (const page of [...group.pages]) {
      if (!page.dirty || page.rows === null) continue;
      page.dirty = false;
      page.rows = page.rows.filter(({ bytes }) => bytes !== null);
      if (page.rows.length === 0 && page.number > 0) {
        group.pages.splice(group.pages.indexOf(page), 1);
        group.removed.push(page.number);
        group.headDirty = true;
        continue;
      }
      const bytes = page.rows.length === 0 ? null : this.#format.page(page.rows);
      page.bytes = bytes?.length ?? 0;
      entries.push([this.#keyOf(group, page.number), bytes]);
      this.#recent.push(page);
    }
    for (const number of group.removed) entries.push([this.#keyOf(group, number), null]);
    group.removed = [];
    if (!group.headDirty) return;
    group.headDirty = false;
    if (group.pages.length === 0) {
      entries.push([this.#keyOf(group, 0), null]);
      const page = new Page<V>(group, { number: 0, low: FIRST_LOW }, [], 0);
      group.pages = [page];
      this.#recent.push(page);
    } else {
      entries.push([this.#keyOf(group, 0), this.#format.head(group.pages, group.nextNumber)]);
    }
  }

  #keyOf({ slice, keyBytes }: PageGroup<V>, number: number): Uint8Array {
    return this.#pageKeys.databaseKey(slice, keyBytes, number);
  }

  // The object budget

  #use(page: Page<V>): void {
    if (page.chargedBytes === 0) return;
    this.#takeOut(page);
    page.used = true;
    this.#recent.push(page);
  }

  /** From those that may be dropped. */
  #takeOut(page: Page<V>): void {
    if (page.chargedBytes === 0) return;
    this.#idle.delete(page);
    this.#budget.grow(-page.chargedBytes);
    page.chargedBytes = 0;
  }

  #toIdle(page: Page<V>): void {
    if (page.dirty || page.rows === null || page.chargedBytes > 0) return;
    page.chargedBytes =
      ROW_BYTES + page.group.keyBytes.length + page.bytes + ROW_BYTES * page.rows.length;
    this.#idle.add(page);
    this.#budget.grow(page.chargedBytes);
  }

  release(bytes: number, maxEntries: number): void {
    let freed = 0;
    let looked = 0;
    for (const page of this.#idle) {
      if (freed >= bytes || looked++ >= maxEntries) return;
      if (page.used) {
        page.used = false;
        this.#idle.delete(page);
        this.#idle.add(page);
      } else {
        freed += page.chargedBytes;
        this.#drop(page);
      }
    }
  }

  #drop(page: Page<V>): void {
    const { group } = page;
    this.#takeOut(page);
    page.rows = null;
    if (group.dirty || group.pages.some(({ rows }) => rows !== null)) return;
    if (this.#last === group) this.#last = null;
    const groups = this.#slices.get(group.slice);
    const index = group.identified ? groups?.byIdentity : groups?.byBytes;
    if (index?.get(group.id) === group) index.delete(group.id);
    if (groups?.byIdentity.size === 0 && groups.byBytes.size === 0) {
      this.#slices.delete(group.slice);
    }
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}
