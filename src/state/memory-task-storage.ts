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

/** A sorted map of bytes: stores in memory, the test driver. What it hands out is never written again. */
export class MemoryTaskStorage implements TaskStorage {
  readonly persistent = false;
  readonly #rows = new Map<string, Row>();
  readonly #positions = new Map<string, ChangelogPosition>();
  readonly #sourceIds = new Map<string, string>();
  readonly #numbers: StoreNumbers;
  /** Made when somebody first asks for a range: most stores are read by key only. */
  #order: SortedKeys | null = null;

  constructor(firstStoreNumber = 0) {
    this.#numbers = new StoreNumbers(firstStoreNumber);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(latin1(key))?.[1];
  }

  iterate(
    range: StorageRange,
    { reverse = false }: { readonly reverse?: boolean } = {},
  ): AsyncIterable<Row> {
    const rows: Row[] = [];
    for (const key of this.#keysIn(range)) {
      const row = this.#rows.get(key);
      if (row !== undefined) rows.push(row);
    }
    return asyncly(reverse ? rows.reverse() : rows);
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
      const id = latin1(key);
      if (value === null) this.#delete(id);
      else this.#put(id, [key, value]);
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

  #put(id: string, row: Row): void {
    if (this.#order !== null && !this.#rows.has(id)) this.#order.add(id);
    this.#rows.set(id, row);
  }

  #delete(id: string): void {
    if (this.#rows.delete(id)) this.#order?.delete(id);
  }

  #keysIn({ from, to }: StorageRange): string[] {
    this.#order ??= SortedKeys.of(this.#rows.keys());
    return this.#order.range(latin1(from), latin1(to));
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

async function* asyncly<T>(items: readonly T[]): AsyncGenerator<T> {
  await Promise.resolve();
  yield* items;
}
