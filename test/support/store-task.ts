import type { Headers } from '../../src/common/record.ts';
import { NO_HEADERS } from '../../src/common/record.ts';
import { MetricsRegistry } from '../../src/observability/metrics-registry.ts';
import type { ManagedStore } from '../../src/state/managed-store.ts';
import { SharedObjectBudget } from '../../src/state/shared-object-budget.ts';
import { SharedRecordCache } from '../../src/state/shared-record-cache.ts';
import type { StateDirectory } from '../../src/state/state-directory.ts';
import type { StoreBuilder } from '../../src/state/store-builder.ts';
import type { StoreContext } from '../../src/state/store-context.ts';
import type { ChangelogPosition, TaskStorage } from '../../src/state/task-storage.ts';
import { openStateDirectory, TASK, type StorageKind } from './state-directories.ts';
import { tempFolder, type TempFolder } from './temp-folder.ts';

export interface LogRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  readonly headers?: Headers;
}

export interface StoreTaskOptions {
  readonly builder: StoreBuilder;
  readonly storage: StorageKind;
  /** 0 if left out. */
  readonly cacheBytes?: number;
  /** 1 MiB if left out. */
  readonly objectsBytes?: number;
}

interface Machine {
  readonly folder: TempFolder;
  readonly options: StoreTaskOptions;
  /** What transactions have committed to the changelog. */
  readonly log: LogRecord[];
}

const TOPIC = 'app-store-changelog';

/**
 * Plays the task around one store: the transaction, the changelog, the commit, the crash. What the runtime does with a
 * broker and many stores, in a hundred lines.
 */
export class StoreTask implements AsyncDisposable {
  readonly store: ManagedStore;
  readonly objects: SharedObjectBudget;
  readonly recordCache: SharedRecordCache;
  /** Of the record being processed. */
  timestampMs = 0;
  headers: Headers = NO_HEADERS;
  expiredWindows = 0;
  readonly #machine: Machine;
  readonly #directory: StateDirectory;
  readonly #storage: TaskStorage;
  /** Of the open transaction. */
  #open: LogRecord[] = [];

  private constructor(machine: Machine, directory: StateDirectory, storage: TaskStorage) {
    const { builder, cacheBytes = 0, objectsBytes = 1_048_576 } = machine.options;
    this.#machine = machine;
    this.#directory = directory;
    this.#storage = storage;
    this.objects = new SharedObjectBudget(objectsBytes);
    this.recordCache = new SharedRecordCache(cacheBytes);
    this.store = builder.open(this.#context());
  }

  static async open(options: StoreTaskOptions): Promise<StoreTask> {
    return StoreTask.#start({ folder: await tempFolder(), options, log: [] });
  }

  static async #start(machine: Machine): Promise<StoreTask> {
    const directory = await openStateDirectory(machine.options.storage, machine.folder.path);
    const { storage } = await directory.open(TASK);
    try {
      const task = new StoreTask(machine, directory, storage);
      await task.#restore();
      return task;
    } catch (error) {
      await storage.close();
      await directory.close();
      await machine.folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** All that was sent to the changelog: by committed transactions, then by the open one. */
  get changelog(): readonly LogRecord[] {
    return [...this.#machine.log, ...this.#open];
  }

  get storage(): TaskStorage {
    return this.#storage;
  }

  flush(): void {
    while (this.store.unflushed) this.store.flush();
  }

  /** Up to the point where Kafka has committed and the storage has not yet. */
  async commitUpToWrite(): Promise<() => Promise<void>> {
    this.flush();
    this.#machine.log.push(...this.#open);
    this.#open = [];
    await Promise.resolve();
    const entries = this.store.seal();
    const positions = new Map([[TOPIC, this.#position()]]);
    return async () => {
      await this.#storage.write({ entries, positions });
      this.store.written();
      const expired = this.store.expired();
      if (expired !== null) await this.#storage.clear(expired);
    };
  }

  async commit(): Promise<void> {
    const write = await this.commitUpToWrite();
    await write();
  }

  abort(): void {
    this.#open = [];
    this.store.discard();
  }

  /** One record that a processing handler takes back. */
  failing(process: () => void): void {
    const sent = this.#open.length;
    this.store.beginUndo();
    process();
    this.store.undo();
    this.#open.length = sent;
  }

  /** The process dies and another starts on the same disk; with another store, if the topology has changed. */
  async crash(builder: StoreBuilder = this.#machine.options.builder): Promise<StoreTask> {
    await this.#stop();
    const { options } = this.#machine;
    return StoreTask.#start({ ...this.#machine, options: { ...options, builder } });
  }

  /** Another machine takes over, with nothing but the changelog. */
  async rebuild(): Promise<StoreTask> {
    await this.#stop();
    await this.#machine.folder[Symbol.asyncDispose]();
    return StoreTask.#start({ ...this.#machine, folder: await tempFolder() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#machine.folder[Symbol.asyncDispose]();
  }

  async #stop(): Promise<void> {
    this.store.close();
    await this.#storage.close();
    await this.#directory.close();
  }

  async #restore(): Promise<void> {
    const from = this.#storage.position(TOPIC)?.offset ?? 0;
    const entries = this.store.restore(this.#machine.log.slice(from));
    await this.#storage.write({ entries, positions: new Map([[TOPIC, this.#position()]]) });
  }

  #position(): ChangelogPosition {
    return { topicId: '00', offset: this.#machine.log.length, wallTimeMs: 0 };
  }

  #context(): StoreContext {
    return {
      taskId: TASK.taskId,
      storage: this.#storage,
      changelog: {
        append: (key, value, timestampMs, headers) => {
          const copied = value === null ? null : Uint8Array.from(value);
          const record = { key: Uint8Array.from(key), value: copied, timestampMs };
          this.#open.push(headers === undefined ? record : { ...record, headers });
        },
      },
      changelogTopic: TOPIC,
      recordCache: this.recordCache,
      objects: this.objects,
      metrics: new MetricsRegistry(),
      tags: {},
      recordTimestampMs: () => this.timestampMs,
      recordHeaders: () => this.headers,
      dropExpiredWindow: () => {
        this.expiredWindows++;
      },
    };
  }
}

/** What an async iterable yields. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
