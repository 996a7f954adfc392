import { FIRST_VOLATILE_STORE, isVolatile } from './database-keys.ts';
import { MemoryTaskStorage } from './memory-task-storage.ts';
import type {
  ChangelogPosition,
  CommittedChanges,
  StorageEntry,
  StorageRange,
  StoreDescription,
  TaskStorage,
} from './task-storage.ts';

/**
 * Lets stores in memory share a task with stores on disk: the number of a store says which it is. The changelog of one
 * in memory has no position at first, so it is restored from the beginning at each start.
 */
export class TieredTaskStorage implements TaskStorage {
  readonly persistent = true;
  readonly #disk: TaskStorage;
  readonly #memory = new MemoryTaskStorage(FIRST_VOLATILE_STORE);
  readonly #memoryTopics = new Set<string>();

  readonly #onClose: () => void;

  constructor(disk: TaskStorage, onClose: () => void) {
    this.#disk = disk;
    this.#onClose = onClose;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return isVolatile(key) ? this.#memory.get(key) : this.#disk.get(key);
  }

  iterate(
    range: StorageRange,
    options?: { readonly reverse?: boolean },
  ): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    return this.#tier(range).iterate(range, options);
  }

  storeNumber(store: StoreDescription): number {
    if (store.persistent) return this.#disk.storeNumber(store);
    this.#memoryTopics.add(store.changelogTopic);
    return this.#memory.storeNumber(store);
  }

  position(changelogTopic: string): ChangelogPosition | undefined {
    const inMemory = this.#memoryTopics.has(changelogTopic);
    return (inMemory ? this.#memory : this.#disk).position(changelogTopic);
  }

  sourceId(topic: string): string | undefined {
    return this.#disk.sourceId(topic);
  }

  setSourceIds(ids: ReadonlyMap<string, string>): void {
    this.#disk.setSourceIds(ids);
  }

  async write(changes: CommittedChanges): Promise<void> {
    if (this.#memoryTopics.size === 0) {
      await this.#disk.write(changes);
      return;
    }
    const toDisk: StorageEntry[] = [];
    const toMemory: StorageEntry[] = [];
    for (const entry of changes.entries) (isVolatile(entry[0]) ? toMemory : toDisk).push(entry);
    const diskPositions = new Map<string, ChangelogPosition>();
    const memoryPositions = new Map<string, ChangelogPosition>();
    for (const [topic, position] of changes.positions) {
      (this.#memoryTopics.has(topic) ? memoryPositions : diskPositions).set(topic, position);
    }
    // Memory last: if the disk fails, the task closes and the memory goes with it.
    await this.#disk.write({ entries: toDisk, positions: diskPositions });
    await this.#memory.write({ entries: toMemory, positions: memoryPositions });
  }

  clear(range: StorageRange): Promise<void> {
    return this.#tier(range).clear(range);
  }

  async close(): Promise<void> {
    await this.#disk.close();
    this.#onClose();
  }

  #tier({ from }: StorageRange): TaskStorage {
    return isVolatile(from) ? this.#memory : this.#disk;
  }
}
