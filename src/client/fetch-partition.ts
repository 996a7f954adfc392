import type { StreamsError } from '../common/errors.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { RecordBatch } from '../wire/record-batch.ts';
import { ZERO_UUID } from '../wire/uuid.ts';

export interface PartitionAssignment extends TopicPartition {
  /** Offset of the next record wanted. */
  readonly offset: number;
  /** The topic that is meant: a re-created one of the same name is an error. Asked for once if left out. */
  readonly topicId?: string;
}

/** What one answer brought for one partition. */
export interface FetchedPartition extends TopicPartition {
  /** Control, aborted and empty batches are left out; their records are read with a `RecordCursor`. */
  readonly batches: readonly RecordBatch[];
  /** Records below it, in the first batch, were not asked for. */
  readonly startOffset: number;
  /** The position after it; beyond the last record where batches were left out behind it. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** What the answer took, batches that were left out included. */
  readonly byteLength: number;
  /** An upper bound. */
  readonly recordCount: number;
  /** The memory of the batches may be used again: nobody reads them any more. At most once; never is no error. */
  readonly release?: () => void;
}

/** One partition that a `Fetcher` reads: where its reader is, what waits for it, and what the broker last said of it. */
export class FetchPartition {
  readonly topic: string;
  readonly partition: number;
  /** Undefined until the metadata have told it. */
  topicId: string | undefined;
  /** Offset of the next record that `poll` gives out. */
  position: number;
  /** Offset of the next record to ask for: behind all that is queued. */
  fetchOffset: number;
  isPaused = false;
  error: StreamsError | null = null;
  /** -1 until the first answer. */
  highWatermark = -1;
  lastStableOffset = -1;
  /** When it last got data: those that waited longest are asked for first. */
  servedAt = 0;
  /** Since when the cluster has no such topic. */
  missingSinceMs: number | null = null;
  #queue: FetchedPartition[] = [];
  #queuedBytes = 0;

  constructor({ topic, partition, offset, topicId }: PartitionAssignment) {
    this.topic = topic;
    this.partition = partition;
    this.topicId = topicId === ZERO_UUID ? undefined : topicId;
    this.position = offset;
    this.fetchOffset = offset;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  enqueue(chunk: FetchedPartition): void {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    this.fetchOffset = chunk.nextOffset;
  }

  /** Moves what is queued to the end of `into`, and the position behind it. */
  takeQueued(into: FetchedPartition[]): void {
    for (const chunk of this.#queue) {
      into.push(chunk);
      this.position = chunk.nextOffset;
    }
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  /** Forgets what is queued: it is fetched again. */
  dropQueued(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.fetchOffset = this.position;
  }

  seek(offset: number): void {
    this.position = offset;
    this.error = null;
    this.dropQueued();
  }
}
