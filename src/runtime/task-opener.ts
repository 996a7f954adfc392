import type { Admin } from '../client/admin.ts';
import type { Clock } from '../common/clock.ts';
import { invariant, StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { Wipe } from '../state/state-directory.ts';
import type { OffsetReset } from '../topology/topology-plan.ts';
import {
  readChangelogFacts,
  refuseTruncatedChangelog,
  resumePoint,
  type ChangelogFacts,
  type ResumePoint,
} from './changelog-positions.ts';
import type { ChangelogReader, StoreToRestore } from './changelog-reader.ts';
import type { OpenTask } from './committer.ts';
import { decodeOffsetMetadata, UNKNOWN_TIME_MS } from './offset-metadata.ts';
import type { TaskChangelog } from './processor-state-manager.ts';
import { settleAll } from './settle-all.ts';
import { resolveStartOffsets, type CommittedOffsets, type StartOffset } from './start-offsets.ts';
import type { StreamTask } from './stream-task.ts';
import type { AssignedTask, LiveTask, TaskRegistry } from './task-registry.ts';

/** A task that runs. */
export interface RunningTask extends OpenTask {
  readonly task: StreamTask;
  readonly assigned: AssignedTask;
  /** Where its input partitions began. */
  readonly start: readonly StartOffset[];
}

export interface TaskOpenerOptions {
  readonly admin: Admin;
  /** Step A3: stable offsets, waited for as long as somebody's open transaction may take. */
  readonly fetchCommitted: (
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ) => Promise<CommittedOffsets>;
  readonly resetPolicy: (topic: string) => OffsetReset;
  /** Learns what the tasks have to know of the topics they write. Errors: `STREAMS_TOPIC_MISSING`. */
  readonly prepareOutputs: (tasks: readonly AssignedTask[]) => Promise<void>;
  readonly registry: TaskRegistry;
  readonly reader: ChangelogReader;
  /** Of the source topics of the whole application, as they are now: state comes from them, directly or not. */
  readonly sourceIds: () => ReadonlyMap<string, string>;
  readonly allowTruncatedChangelog: boolean;
  readonly exactlyOnce: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the broker says of all tasks that are being opened. */
interface Facts {
  readonly committed: CommittedOffsets;
  readonly starts: ReadonlyMap<string, StartOffset>;
  readonly changelogs: ReadonlyMap<string, ChangelogFacts>;
}

/** A store of a task that has a changelog. */
interface LoggedStore extends TaskChangelog {
  readonly live: LiveTask;
}

/**
 * Brings tasks from "assigned" to "running": steps A3 to A7 of docs/adr/0005-commit-protocol.md.
 *
 * The tasks whose stores are complete on disk start first; the others when all of them are restored. Nothing of it
 * depends on how the last run of the tasks ended: what is on disk is committed and says how far it goes.
 */
export class TaskOpener {
  readonly #options: TaskOpenerOptions;

  constructor(options: TaskOpenerOptions) {
    this.#options = options;
  }

  /** Calls `onStarted` once or twice; rejects with the signal's reason when that aborts. */
  async open(
    tasks: readonly AssignedTask[],
    signal: AbortSignal,
    onStarted: (tasks: readonly RunningTask[]) => void,
  ): Promise<void> {
    const { reader } = this.#options;
    const facts = await this.#readFacts(tasks, signal);
    const behind = await this.#storesBehind(tasks, facts); // A5
    signal.throwIfAborted();

    const restoring = new Set(behind.map(({ taskId }) => taskId));
    const isComplete = ({ id }: AssignedTask): boolean => !restoring.has(id.toString());
    const start = async (group: readonly AssignedTask[]): Promise<void> => {
      if (group.length > 0) onStarted(await this.#start(group, facts, signal));
    };
    await start(tasks.filter(isComplete));
    await reader.restore(behind, signal); // A6
    await start(tasks.filter((assigned) => !isComplete(assigned))); // A7
  }

  /** All of them, or none. */
  async #start(
    group: readonly AssignedTask[],
    facts: Facts,
    signal: AbortSignal,
  ): Promise<readonly RunningTask[]> {
    const running = group.map((assigned) =>
      describeRunning(this.#options.registry.of(assigned), facts),
    );
    try {
      for (const { task, start } of running) await task.start(start);
      signal.throwIfAborted();
      return running;
    } catch (error) {
      for (const { task } of running) task.discard();
      throw error;
    }
  }

  async #readFacts(tasks: readonly AssignedTask[], signal: AbortSignal): Promise<Facts> {
    const { fetchCommitted, registry, admin, resetPolicy, prepareOutputs } = this.#options;
    const inputs = tasks.flatMap(({ partitions }) => partitions);
    const opening = registry.open(tasks, signal); // needs no broker: in the meantime
    const fetching = fetchCommitted(inputs, signal); // A3
    // Both, also where one fails: a database that is still being opened is known to nobody who would close it.
    await settleAll([opening, fetching.then(() => undefined)]);
    const committed = await fetching;
    signal.throwIfAborted();
    const stores = tasks.flatMap((assigned) => loggedStores(registry.of(assigned)));
    const [starts, changelogs] = await Promise.all([
      resolveStartOffsets(inputs, committed, resetPolicy, admin),
      readChangelogFacts(admin, stores), // A4, after A3
      prepareOutputs(tasks),
    ]);
    signal.throwIfAborted();
    const startOf = new Map(
      starts.map((start) => [partitionKey(start.topic, start.partition), start]),
    );
    return { committed, changelogs: endAtStarts(changelogs, stores, startOf), starts: startOf };
  }

  /** The stores that have something to replay; wipes a task one of whose positions cannot be trusted. */
  async #storesBehind(
    tasks: readonly AssignedTask[],
    { changelogs, committed }: Facts,
  ): Promise<StoreToRestore[]> {
    const { registry, clock, allowTruncatedChangelog, exactlyOnce } = this.#options;
    const nowMs = clock.nowMs();
    const listStores = (): LoggedStore[] =>
      tasks.flatMap((assigned) => loggedStores(registry.of(assigned)));
    const resume = ({ live, topic, partition }: LoggedStore): ResumePoint =>
      resumePoint(
        live.storage.position(topic),
        factsOf(changelogs, topic, partition),
        nowMs,
        exactlyOnce,
      );

    const stores = listStores();
    const wipes = new Map<AssignedTask, Wipe>();
    for (const store of stores) {
      const { wipe } = resume(store);
      if (wipe !== null) wipes.set(store.live.assigned, wipe);
    }
    for (const { live, store, topic, partition } of stores) {
      const facts = factsOf(changelogs, topic, partition);
      const times = { streamTimeMs: committedStreamTimeMs(live.assigned, committed), nowMs };
      this.#warnOfOldTimes(store, facts, times);
      const isRebuilt = wipes.has(live.assigned) || live.storage.position(topic) === undefined;
      if (isRebuilt && !allowTruncatedChangelog) refuseTruncatedChangelog(store, facts, times);
    }
    const sourceIds = this.#options.sourceIds();
    for (const assigned of tasks) {
      if (!wipes.has(assigned)) checkSources(registry.of(assigned), sourceIds);
    }
    for (const [assigned, wipe] of wipes) await registry.wipe(assigned, wipe);
    for (const assigned of tasks) registry.of(assigned).storage.setSourceIds(sourceIds);

    return listStores().flatMap((logged) => {
      const { live, store, topic, partition } = logged;
      const facts = factsOf(changelogs, topic, partition);
      const { offset } = resume(logged);
      if (offset >= facts.end) return [];
      const { task, storage } = live;
      const taskId = live.assigned.id.toString();
      return [
        { taskId, task, store: store.name, facts, from: offset, since: storage.position(topic) },
      ];
    });
  }

  /** While it is not too late: the broker goes by its clock, and the windows by event time. */
  #warnOfOldTimes(
    { retentionMs: storeRetentionMs, name }: StoreBuilder,
    { topic, retentionMs }: ChangelogFacts,
    { streamTimeMs, nowMs }: { readonly streamTimeMs: number; readonly nowMs: number },
  ): void {
    if (storeRetentionMs === undefined) return;
    if (streamTimeMs < 0 || streamTimeMs >= nowMs - retentionMs) return;
    this.#options.logger.warn(
      { store: name, topic, retentionMs, streamTimeMs },
      'event time is further back than the changelog keeps records: give the store retention.ms=-1 in its logging options',
    );
  }
}

/** A source topic that is a store's changelog is restored as far as it was processed: the task reads what follows. */
function endAtStarts(
  changelogs: ReadonlyMap<string, ChangelogFacts>,
  stores: readonly LoggedStore[],
  starts: ReadonlyMap<string, StartOffset>,
): ReadonlyMap<string, ChangelogFacts> {
  const bounded = new Map(changelogs);
  for (const { topic, partition, store } of stores) {
    if (store.changelog?.sourceTopic === undefined) continue;
    const key = partitionKey(topic, partition);
    const facts = factsOf(changelogs, topic, partition);
    const end = Math.min(facts.end, starts.get(key)?.offset ?? 0);
    bounded.set(key, { ...facts, end, isSource: true });
  }
  return bounded;
}

/**
 * State that goes on has to go on with the topics that it came from. The broker forgets the offsets of a topic with the
 * topic, so the new one would be read from its beginning, on top of what the old one has left in the stores.
 */
function checkSources(
  { assigned, storage }: LiveTask,
  sourceIds: ReadonlyMap<string, string>,
): void {
  for (const [topic, id] of sourceIds) {
    const before = storage.sourceId(topic);
    if (before === undefined || before === id) continue;
    throw new StreamsError(
      'STREAMS_TOPIC_RECREATED',
      `this source topic was deleted and made again since the state was written: it has the id ${id}, and had ${before}. The state belongs to the old one and was left alone; reset the application (kafka-streams-application-reset, and delete its state folders) before it reads the new one`,
      { site: { taskId: assigned.id.toString(), topic } },
    );
  }
}

function describeRunning({ assigned, task, storage }: LiveTask, facts: Facts): RunningTask {
  const start = assigned.partitions.map(({ topic, partition }) => {
    const found = facts.starts.get(partitionKey(topic, partition));
    invariant(found !== undefined, 'an input partition has no start', { topic, partition });
    return found;
  });
  const changelogs = task.changelogs.map(({ topic, partition }) => {
    const { topicId, end, isSource = false } = factsOf(facts.changelogs, topic, partition);
    return { topic, partition, topicId, end, isSource };
  });
  return { assigned, task, storage, start, changelogs };
}

function loggedStores(live: LiveTask): LoggedStore[] {
  return live.task.changelogs.map((changelog) => ({ ...changelog, live }));
}

function factsOf(
  facts: ReadonlyMap<string, ChangelogFacts>,
  topic: string,
  partition: number,
): ChangelogFacts {
  const found = facts.get(partitionKey(topic, partition));
  invariant(found !== undefined, 'a changelog was not looked at', { topic, partition });
  return found;
}

/** As far as the inputs of the task had come when their offsets were committed last. */
function committedStreamTimeMs({ partitions }: AssignedTask, committed: CommittedOffsets): number {
  const times = partitions.map(({ topic, partition }) => {
    const metadata = committed.get(partitionKey(topic, partition))?.metadata ?? '';
    return decodeOffsetMetadata(metadata)?.partitionTimeMs ?? UNKNOWN_TIME_MS;
  });
  return Math.max(UNKNOWN_TIME_MS, ...times);
}
