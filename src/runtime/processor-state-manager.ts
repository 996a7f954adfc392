import { invariant, StreamsError } from '../common/errors.ts';
import { NO_HEADERS, type Headers } from '../common/record.ts';
import type { Metrics, MetricTags } from '../observability/metrics.ts';
import type { ManagedStore, RestoredRecord } from '../state/managed-store.ts';
import type { ObjectBudget } from '../state/object-budget.ts';
import type { RecordCache } from '../state/record-cache.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { ChangelogWriter } from '../state/store-context.ts';
import type {
  ChangelogPosition,
  CommittedChanges,
  StorageEntry,
  StorageRange,
  TaskStorage,
} from '../state/task-storage.ts';
import { changelogTopicOf } from '../topology/internal-topics.ts';
import type { CurrentRecord } from './current-record.ts';
import { ProcessorTimes } from './processor-times.ts';
import type { RecordSink } from './record-sink.ts';

export interface ProcessorStateManagerOptions {
  readonly stores: readonly StoreBuilder[];
  readonly applicationId: string;
  /** The partition of every changelog of the task. */
  readonly partition: number;
  readonly storage: TaskStorage;
  readonly sink: RecordSink;
  readonly recordCache: RecordCache;
  readonly objects: ObjectBudget;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
  readonly current: CurrentRecord;
  readonly dropExpiredWindow: () => void;
}

/** A store whose content can be rebuilt, and from where. */
export interface TaskChangelog {
  readonly topic: string;
  readonly partition: number;
  readonly store: StoreBuilder;
}

class SinkChangelog implements ChangelogWriter {
  readonly #current: CurrentRecord;
  readonly #sink: RecordSink;
  readonly #topic: string;
  readonly #partition: number;

  constructor({ current, sink, partition }: ProcessorStateManagerOptions, topic: string) {
    this.#current = current;
    this.#sink = sink;
    this.#topic = topic;
    this.#partition = partition;
  }

  /** Never the headers of the record being processed: a changelog has none of those in Kafka Streams either (trap 45). */
  append(
    key: Uint8Array,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers = NO_HEADERS,
  ): void {
    this.#current.requireAlive();
    this.#sink.append(this.#topic, this.#partition, key, value, timestampMs, headers);
  }
}

/** The stores of one task, driven together, and the times that its operators keep. `ManagedStore` says what each step means. Source: `ProcessorStateManager`. */
export class ProcessorStateManager {
  readonly changelogs: readonly TaskChangelog[];
  readonly times = new ProcessorTimes();
  readonly #options: ProcessorStateManagerOptions;
  readonly #stores: ReadonlyMap<string, ManagedStore>;
  readonly #list: readonly ManagedStore[];

  constructor(options: ProcessorStateManagerOptions) {
    const { applicationId, partition, stores } = options;
    this.#options = options;
    this.changelogs = stores
      .filter(({ changelog }) => changelog !== null)
      .map((store) => ({ topic: changelogTopicOf(applicationId, store), partition, store }));
    this.#stores = new Map(stores.map((store) => [store.name, this.#open(store)]));
    this.#list = [...this.#stores.values()];
  }

  get stores(): ReadonlyMap<string, ManagedStore> {
    return this.#stores;
  }

  get uncommittedBytes(): number {
    let bytes = 0;
    for (const store of this.#list) bytes += store.uncommittedBytes;
    return bytes;
  }

  position(changelogTopic: string): ChangelogPosition | undefined {
    return this.#options.storage.position(changelogTopic);
  }

  /** Takes changelog records into the storage, with where they end. Errors: `STREAMS_STATE_IO`. */
  async restore(
    changelogTopic: string,
    records: Iterable<RestoredRecord>,
    position: ChangelogPosition,
  ): Promise<void> {
    const changelog = this.changelogs.find(({ topic }) => topic === changelogTopic);
    const store = changelog && this.#stores.get(changelog.store.name);
    if (store === undefined) {
      throw new StreamsError('STREAMS_INVARIANT', 'no store of this task has that changelog', {
        site: { taskId: this.#options.current.taskId, topic: changelogTopic },
      });
    }
    this.#requireForward(changelogTopic, position);
    const entries = store.restore(records);
    await this.#options.storage.write({
      entries,
      positions: new Map([[changelogTopic, position]]),
    });
  }

  /** What one flush forwards, another store may hold back: so until none holds anything. */
  flush(): void {
    while (this.#list.some(({ unflushed }) => unflushed)) {
      for (const store of this.#list) store.flush();
    }
  }

  seal(positions: ReadonlyMap<string, ChangelogPosition>): CommittedChanges {
    for (const [topic, position] of positions) this.#requireForward(topic, position);
    const sealed = this.#list.map((store) => store.seal());
    return { entries: chain(sealed), positions };
  }

  /** A position that goes back would claim less than the rows beside it hold, and apply changes to them twice (I1). */
  #requireForward(topic: string, { topicId, offset }: ChangelogPosition): void {
    const known = this.position(topic);
    const isForward = known?.topicId !== topicId || offset >= known.offset;
    invariant(isForward, `the position of a changelog would go back to ${offset}`, {
      taskId: this.#options.current.taskId,
      topic,
    });
  }

  written(): void {
    for (const store of this.#list) store.written();
  }

  discard(): void {
    for (const store of this.#list) store.discard();
  }

  beginUndo(): void {
    this.times.beginUndo();
    for (const store of this.#list) store.beginUndo();
  }

  undo(): void {
    this.times.undo();
    for (const store of this.#list) store.undo();
  }

  endUndo(): void {
    this.times.endUndo();
    for (const store of this.#list) store.endUndo();
  }

  expiredRanges(): readonly StorageRange[] {
    const ranges = this.#list.map((store) => store.expired());
    return ranges.filter((range) => range !== null);
  }

  /** Closes the stores, not the storage, which belongs to whoever opened it. */
  close(): void {
    for (const store of this.#list) store.close();
  }

  #open(builder: StoreBuilder): ManagedStore {
    const { applicationId, current } = this.#options;
    const { storage, recordCache, objects, metrics, tags, dropExpiredWindow } = this.#options;
    const changelogTopic = changelogTopicOf(applicationId, builder);
    const isLogged = builder.changelog !== null && builder.changelog.sourceTopic === undefined;
    return builder.open({
      taskId: current.taskId,
      storage,
      changelog: isLogged ? new SinkChangelog(this.#options, changelogTopic) : null,
      changelogTopic,
      recordCache,
      objects,
      metrics,
      tags,
      recordTimestampMs: () => current.timestampMs,
      recordHeaders: () => current.headers,
      dropExpiredWindow,
    });
  }
}

function* chain(parts: readonly Iterable<StorageEntry>[]): Iterable<StorageEntry> {
  for (const part of parts) yield* part;
}
