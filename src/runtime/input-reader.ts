import type { FetchedPartition } from '../client/fetch-partition.ts';
import type { Fetcher } from '../client/fetcher.ts';
import { isStreamsError, StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { Metrics, MetricTags } from '../observability/metrics.ts';
import type { RunningTask } from './task-opener.ts';

export interface InputReaderOptions {
  readonly fetcher: Pick<Fetcher, 'assign' | 'position' | 'lag' | 'pause' | 'resume' | 'tryPoll'>;
  /** Records of one partition in its task beyond which it is not fetched. */
  readonly maxBufferedRecords: number;
  /** Ids of topics, so that one that was deleted and made again is noticed. */
  readonly topicId: (topic: string) => string | undefined;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

/**
 * Takes what was fetched to the tasks it is for, and keeps partitions whose task has enough from being fetched.
 *
 * A task that goes on keeps its fetch position and what was fetched ahead; a task that was opened anew begins where its
 * committed offsets say. Pauses outlive a rebalance.
 */
export class InputReader {
  readonly #options: InputReaderOptions;
  #tasks: readonly RunningTask[] = [];
  #owners: ReadonlyMap<string, RunningTask> = new Map();
  readonly #paused = new Map<string, TopicPartition>();
  #lagSeries: MetricTags[] = [];

  constructor(options: InputReaderOptions) {
    this.#options = options;
  }

  /** Reads for exactly these tasks from now on. Cheap when they are the same list as before. */
  readFor(tasks: readonly RunningTask[]): void {
    if (tasks === this.#tasks) return;
    const { fetcher, topicId } = this.#options;
    const before = new Set(this.#tasks);
    const assignment = tasks.flatMap((task) =>
      task.start.map(({ topic, partition, offset }) => {
        const position = before.has(task) ? fetcher.position(topic, partition) : undefined;
        const id = topicId(topic);
        return {
          topic,
          partition,
          offset: position ?? offset,
          ...(id === undefined ? {} : { topicId: id }),
        };
      }),
    );
    this.#tasks = tasks;
    this.#owners = new Map(
      tasks.flatMap((task) =>
        task.start.map(({ topic, partition }) => [partitionKey(topic, partition), task] as const),
      ),
    );
    fetcher.assign(assignment);
    for (const [key, { topic, partition }] of this.#paused) {
      const owner = this.#owners.get(key);
      if (owner === undefined || !this.#isFull(owner, topic, partition)) this.#paused.delete(key);
    }
    fetcher.pause([...this.#paused.values()]);
    this.#measureLag(tasks);
  }

  /** Hands over what is there now; returns whether there was anything. Errors: those of `Fetcher.poll`. */
  take(): boolean {
    const { fetcher } = this.#options;
    const chunks = this.#poll();
    for (const chunk of chunks) {
      const { topic, partition } = chunk;
      const key = partitionKey(topic, partition);
      const owner = this.#owners.get(key);
      // A partition without an owner was fetched for an assignment of the past.
      if (owner === undefined) continue;
      owner.task.addChunk(chunk);
      if (this.#paused.has(key) || !this.#isFull(owner, topic, partition)) continue;
      this.#paused.set(key, { topic, partition });
      fetcher.pause([{ topic, partition }]);
    }
    return chunks.length > 0;
  }

  /** After processing: partitions whose tasks have room again. */
  resume(): void {
    for (const [key, { topic, partition }] of this.#paused) {
      const owner = this.#owners.get(key);
      if (owner !== undefined && this.#isFull(owner, topic, partition)) continue;
      this.#paused.delete(key);
      this.#options.fetcher.resume([{ topic, partition }]);
    }
  }

  #poll(): readonly FetchedPartition[] {
    try {
      return this.#options.fetcher.tryPoll();
    } catch (error) {
      if (!isStreamsError(error, 'STREAMS_OFFSET_OUT_OF_RANGE')) throw error;
      const { topic = '', partition = -1, offset } = error.site;
      const start = this.#owners
        .get(partitionKey(topic, partition))
        ?.start.find((input) => input.topic === topic && input.partition === partition);
      // Retention has moved the beginning of the log since it was asked for: nothing was committed, so nothing is lost.
      const isFirstRead = start?.committed === false && start.offset === offset;
      if (!isFirstRead) throw error;
      throw new StreamsError('STREAMS_TASK_CORRUPTED', 'the log begins later than it did', {
        site: error.site,
        cause: error,
      });
    }
  }

  #measureLag(tasks: readonly RunningTask[]): void {
    const { fetcher, metrics, tags } = this.#options;
    for (const series of this.#lagSeries) metrics.remove(series);
    this.#lagSeries = [];
    for (const { task, start } of tasks) {
      for (const { topic, partition } of start) {
        const series = { ...tags, 'topic-name': topic, partition: String(partition) };
        this.#lagSeries.push(series);
        metrics.observe('records-lag', series, () => {
          const unfetched = fetcher.lag(topic, partition);
          return unfetched === undefined ? -1 : unfetched + task.bufferedRecords(topic, partition);
        });
      }
    }
  }

  #isFull({ task }: RunningTask, topic: string, partition: number): boolean {
    return task.bufferedRecords(topic, partition) > this.#options.maxBufferedRecords;
  }
}
