import { fromLatin1, toLatin1 } from '../common/latin1.ts';
import { SortedKeys } from './sorted-keys.ts';
import { StoreNumbers } from './store-numbers.ts';
import type {
  ChangelogPosition,
  CommittedChanges,
  StorageRange,
  StoreDescription,
  TaskStorage,
} from './task-storage.ts';

type Row = readonly [key: Uint8Array, value: Uint8Array];

/** A sorted map of bytes, kept as texts for their size: stores in memory, the test driver. */
export class MemoryTaskStorage implements TaskStorage {
  readonly persistent = false;
  readonly #rows = new Map<string, string>();
  readonly #positions = new Map<string, ChangelogPosition>();
  readonly #sourceIds = new Map<string, string>();
  readonly #numbers: StoreNumbers;
  /** Made when somebody first asks for a range: most stores are read by key only. */
  #order: SortedKeys | null = null;

  constructor(firstStoreNumber = 0) {
    this.#numbers = new StoreNumbers(firstStoreNumber);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const row = this.#rows.get(toLatin1(key));
    return row === undefined ? undefined : fromLatin1(row);
  }

  iterate(
    range: StorageRange,
    { reverse = false }: { readonly reverse?: boolean } = {},
  ): AsyncIterable<Row> {
    const rows: [key: string, row: string][] = [];
    for (const key of this.#keysIn(range)) {
      const row = this.#rows.get(key);
      if (row !== undefined) rows.push([key, row]);
    }
    return asBytes(reverse ? rows.reverse() : rows);
  }

  storeNumber(store: StoreDescription): number {
    return this.#numbers.numberOf(store);
  }

  position(changelogTopic: string): ChangelogPosition | undefined {
    return this.#positions.get(changelogTopic);
  }

  sourceId(topic: string): string | undefined {
    return this.#sourceIds.get(topic);
  }

  setSourceIds(ids: ReadonlyMap<string, string>): void {
    for (const [topic, id] of ids) this.#sourceIds.set(topic, id);
  }

  write({ entries, positions }: CommittedChanges): Promise<void> {
    for (const [key, value] of entries) {
      const id = toLatin1(key);
      if (value === null) this.#delete(id);
      else this.#put(id, toLatin1(value));
    }
    for (const [topic, position] of positions) this.#positions.set(topic, position);
    return Promise.resolve();
  }

  clear(range: StorageRange): Promise<void> {
    for (const key of this.#keysIn(range)) this.#delete(key);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #put(id: string, row: string): void {
    if (this.#order !== null && !this.#rows.has(id)) this.#order.add(id);
    this.#rows.set(id, row);
  }

  #delete(id: string): void {
    if (this.#rows.delete(id)) this.#order?.delete(id);
  }

  #keysIn({ from, to }: StorageRange): string[] {
    this.#order ??= SortedKeys.of(this.#rows.keys());
    return this.#order.range(toLatin1(from), toLatin1(to));
  }
}

async function* asBytes(rows: readonly (readonly [string, string])[]): AsyncGenerator<Row> {
  await Promise.resolve();
  for (const [key, row] of rows) yield [fromLatin1(key), fromLatin1(row)];
}
