import { StreamsError } from '../common/errors.ts';
import type { FacedStore, RestoredRecord } from './managed-store.ts';
import type { PagedRows } from './page-table.ts';
import type { StoreKind } from './store-builder.ts';
import type { StorageEntry, StorageRange } from './task-storage.ts';
import type { WindowRetention } from './window-retention.ts';

/** What a paged store has beyond its tables. Each member does its part of the `ManagedStore` method of that name. */
export interface PagedStoreParts {
  readonly name: string;
  readonly kind: StoreKind;
  /** What operators and processors get. */
  readonly face: object;
  readonly tables: readonly PagedRows[];
  /** Null where nothing expires by itself. */
  readonly retention: WindowRetention | null;
  /** Puts a changelog record in its place in the tables. Its bytes must be copied. */
  restore(record: RestoredRecord): void;
  /** Puts every row back that was touched since `beginUndo`. */
  undo(): void;
  readonly hooks?: PagedStoreHooks;
}

/** For stores that keep more than rows. */
export interface PagedStoreHooks {
  /** Before `seal`, and after each batch of restored records: facts to be stored beside the rows. */
  readonly facts?: () => readonly StorageEntry[];
  readonly beginUndo?: () => void;
  readonly endUndo?: () => void;
  readonly discard?: () => void;
  readonly expired?: () => void;
  readonly close?: () => void;
  readonly flush?: () => void;
  readonly isUnflushed?: () => boolean;
}

/** The life cycle that all paged stores share: see `ManagedStore`, and `PageTable` for where the rows are. */
export class PagedStore implements FacedStore {
  readonly #parts: PagedStoreParts;
  #observedAtUndo = 0;
  #closed = false;

  constructor(parts: PagedStoreParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  get kind(): StoreKind {
    return this.#parts.kind;
  }

  get face(): object {
    return this.#parts.face;
  }

  get uncommittedBytes(): number {
    let bytes = 0;
    for (const table of this.#parts.tables) bytes += table.dirtyBytes;
    return bytes;
  }

  get unflushed(): boolean {
    return this.#parts.hooks?.isUnflushed?.() ?? false;
  }

  restore(records: Iterable<RestoredRecord>): Iterable<StorageEntry> {
    const { tables, retention, hooks } = this.#parts;
    for (const record of records) this.#parts.restore(record);
    retention?.commit();
    return [
      ...tables.flatMap((table) => table.restored()),
      ...(retention?.changes() ?? []),
      ...(hooks?.facts?.() ?? []),
    ];
  }

  flush(): void {
    this.#parts.hooks?.flush?.();
  }

  seal(): Iterable<StorageEntry> {
    const { name, tables, retention, hooks } = this.#parts;
    if (this.unflushed) {
      throw new StreamsError('STREAMS_INVARIANT', 'a store is flushed before it is sealed', {
        site: { store: name },
      });
    }
    retention?.commit();
    const rows = tables.map((table) => table.seal());
    return [...rows.flat(), ...(retention?.changes() ?? []), ...(hooks?.facts?.() ?? [])];
  }

  written(): void {
    for (const table of this.#parts.tables) table.written();
  }

  discard(): void {
    this.#parts.hooks?.discard?.();
    for (const table of this.#parts.tables) table.clear();
    this.#parts.retention?.discard();
  }

  beginUndo(): void {
    for (const table of this.#parts.tables) table.beginUndo();
    this.#observedAtUndo = this.#parts.retention?.observedMs ?? 0;
    this.#parts.hooks?.beginUndo?.();
  }

  undo(): void {
    this.#parts.undo();
    this.#parts.retention?.resetTo(this.#observedAtUndo);
  }

  endUndo(): void {
    for (const table of this.#parts.tables) table.endUndo();
    this.#parts.hooks?.endUndo?.();
  }

  expired(): StorageRange | null {
    const { tables, retention, hooks } = this.#parts;
    hooks?.expired?.();
    const range = retention?.expired() ?? null;
    if (range === null || retention === null) return null;
    const firstLive = retention.keys.slice(Math.max(0, retention.committedExpiredUpToMs));
    for (const table of tables) table.dropSlicesBefore(firstLive);
    return range;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.hooks?.close?.();
    for (const table of this.#parts.tables) table.close();
  }
}
