import type { Clock } from '../common/clock.ts';
import { StreamsError, invariant } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import { partitionKey } from '../common/topic-partition.ts';
import {
  RecordBatchWriter,
  type BatchMark,
  type RecordBatchWriterOptions,
} from '../wire/record-batch-writer.ts';

export interface RecordAccumulatorOptions {
  readonly batch: RecordBatchWriterOptions;
  /** A record that makes a batch larger than this is refused. */
  readonly maxRecordBytes: number;
  /** Batch buffers that are kept for reuse. */
  readonly pooledBatches: number;
  readonly clock: Clock;
}

/** A batch on its way: filled, then sent, maybe several times, always with the same bytes and sequence. */
export interface PendingBatch {
  readonly writer: RecordBatchWriter;
  readonly createdAtMs: number;
  /** Counts up: tells batches that were begun after a mark. */
  readonly ordinal: number;
  /** -1 until it is sent. */
  sequence: number;
}

/** The batches of one partition, oldest first: `sent` (at most one), `sealed`, `open`. */
export interface PartitionBatches {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** Sent and not acknowledged; it is sent again until it is. */
  sent: PendingBatch | null;
  isInFlight: boolean;
  readonly sealed: PendingBatch[];
  open: PendingBatch | null;
  /** Not to be sent before; after an answer that asks for another try. */
  notBeforeMs: number;
  markedBy: ProducerMark | null;
}

/** A state of the accumulator to go back to. */
export interface ProducerMark {
  readonly ordinal: number;
  readonly touched: {
    readonly batches: PartitionBatches;
    readonly open: PendingBatch | null;
    readonly at: BatchMark | null;
  }[];
}

/**
 * Collects records into one open batch for each partition, and keeps full ones until they are acknowledged. Bytes are copied
 * straight into the batch; nothing is allocated for a record.
 *
 * Between `mark` and `rollback` or `release` the records of one input can be taken back, from every partition. What
 * was begun or filled meanwhile must not be sent: `hasMark` tells.
 */
export class RecordAccumulator {
  readonly #options: RecordAccumulatorOptions;
  readonly #topics = new Map<string, (PartitionBatches | undefined)[]>();
  readonly #active = new Set<PartitionBatches>();
  readonly #pool: RecordBatchWriter[] = [];
  #lastTopic = '';
  #lastPartitions: (PartitionBatches | undefined)[] = [];
  #bufferedBytes = 0;
  #ordinal = 0;
  #mark: ProducerMark | null = null;

  constructor(options: RecordAccumulatorOptions) {
    this.#options = options;
  }

  /** All that was appended and not acknowledged. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Partitions with at least one batch. */
  get active(): ReadonlySet<PartitionBatches> {
    return this.#active;
  }

  /** A batch has been sent and is not acknowledged; it may be waiting to be sent again. */
  get hasSent(): boolean {
    for (const { sent } of this.#active) if (sent !== null) return true;
    return false;
  }

  get hasMark(): boolean {
    return this.#mark !== null;
  }

  /**
   * Adds a record to the open batch of its partition; true when that began a batch.
   * Errors: `STREAMS_RECORD_TOO_LARGE`; then nothing has changed.
   */
  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): boolean {
    const batches = this.#batchesOf(topic, partition);
    if (this.#mark !== null && batches.markedBy !== this.#mark) this.#touch(batches, this.#mark);
    const { open } = batches;
    if (open !== null) {
      const before = open.writer.sizeBytes;
      if (open.writer.append(key, value, timestampMs, headers)) {
        this.#bufferedBytes += open.writer.sizeBytes - before;
        return false;
      }
      this.seal(batches);
    }
    const { writer } = this.#begin(batches);
    writer.append(key, value, timestampMs, headers);
    const { sizeBytes } = writer;
    if (sizeBytes > this.#options.maxRecordBytes) {
      this.#drop(batches);
      throw new StreamsError(
        'STREAMS_RECORD_TOO_LARGE',
        `a record of ${sizeBytes} bytes is above maxRequestBytes (${this.#options.maxRecordBytes}): raise it, and ` +
          'max.message.bytes of the topic, or write less',
        { site: { topic, partition } },
      );
    }
    this.#bufferedBytes += sizeBytes;
    return true;
  }

  /** Closes the open batch. */
  seal(batches: PartitionBatches): void {
    if (batches.open === null) return;
    batches.sealed.push(batches.open);
    batches.open = null;
  }

  /** The batch is in the log, or given up: its buffer is used again. */
  release(batches: PartitionBatches, batch: PendingBatch): void {
    invariant(batches.sent === batch, 'only what was sent is released');
    batches.sent = null;
    this.#bufferedBytes -= batch.writer.sizeBytes;
    this.#recycle(batch.writer);
    if (isEmpty(batches)) this.#active.delete(batches);
  }

  /** Puts other batches in the place of one that was sent: what is left of it, or its halves. */
  replaceSent(batches: PartitionBatches, replacements: readonly RecordBatchWriter[]): void {
    const { sent } = batches;
    invariant(sent !== null, 'only what was sent is replaced');
    const [first, ...others] = replacements.map((writer) => ({ ...sent, writer, sequence: -1 }));
    this.#bufferedBytes -= sent.writer.sizeBytes;
    for (const writer of replacements) this.#bufferedBytes += writer.sizeBytes;
    this.#recycle(sent.writer);
    batches.sent = null;
    batches.sealed.unshift(...(first === undefined ? [] : [first]), ...others);
    if (isEmpty(batches)) this.#active.delete(batches);
  }

  newWriter(): RecordBatchWriter {
    return this.#pool.pop() ?? new RecordBatchWriter(this.#options.batch);
  }

  mark(): ProducerMark {
    invariant(this.#mark === null, 'marks do not nest');
    this.#mark = { ordinal: this.#ordinal, touched: [] };
    return this.#mark;
  }

  /** Takes back every record since the mark. */
  rollback(mark: ProducerMark): void {
    this.releaseMark(mark);
    for (const { batches, open, at } of mark.touched) {
      const added = [...batches.sealed, ...(batches.open === null ? [] : [batches.open])].filter(
        (batch) => batch.ordinal > mark.ordinal,
      );
      for (const batch of added) {
        this.#bufferedBytes -= batch.writer.sizeBytes;
        this.#recycle(batch.writer);
      }
      const kept = batches.sealed.filter(
        (batch) => batch.ordinal <= mark.ordinal && batch !== open,
      );
      batches.sealed.splice(0, batches.sealed.length, ...kept);
      batches.open = open;
      if (open !== null && at !== null) {
        this.#bufferedBytes -= open.writer.sizeBytes - at.sizeBytes;
        open.writer.truncate(at);
      }
      if (isEmpty(batches)) this.#active.delete(batches);
    }
  }

  /** The records since the mark are there to stay. */
  releaseMark(mark: ProducerMark): void {
    invariant(this.#mark === mark, 'this mark is not the last one');
    this.#mark = null;
  }

  /**
   * Forgets everything, what is under way included. A buffer that is under way is not used again: its request may still
   * wait for a connection, and would carry what is written next to where it was going.
   */
  clear(): void {
    for (const batches of this.#active) {
      const sent = batches.isInFlight ? null : batches.sent;
      const writers = [sent, ...batches.sealed, batches.open];
      for (const batch of writers) if (batch !== null) this.#recycle(batch.writer);
    }
    this.#active.clear();
    this.#topics.clear();
    this.#lastTopic = '';
    this.#lastPartitions = [];
    this.#bufferedBytes = 0;
    this.#mark = null;
  }

  #batchesOf(topic: string, partition: number): PartitionBatches {
    if (topic !== this.#lastTopic) {
      let partitions = this.#topics.get(topic);
      if (partitions === undefined) {
        partitions = [];
        this.#topics.set(topic, partitions);
      }
      this.#lastTopic = topic;
      this.#lastPartitions = partitions;
    }
    return this.#lastPartitions[partition] ?? this.#addPartition(topic, partition);
  }

  #addPartition(topic: string, partition: number): PartitionBatches {
    const batches: PartitionBatches = {
      topic,
      partition,
      key: partitionKey(topic, partition),
      sent: null,
      isInFlight: false,
      sealed: [],
      open: null,
      notBeforeMs: 0,
      markedBy: null,
    };
    this.#lastPartitions[partition] = batches;
    return batches;
  }

  #begin(batches: PartitionBatches): PendingBatch {
    const batch: PendingBatch = {
      writer: this.newWriter(),
      createdAtMs: this.#options.clock.monotonicMs(),
      ordinal: ++this.#ordinal,
      sequence: -1,
    };
    batches.open = batch;
    this.#active.add(batches);
    return batch;
  }

  #drop(batches: PartitionBatches): void {
    if (batches.open !== null) this.#recycle(batches.open.writer);
    batches.open = null;
    if (isEmpty(batches)) this.#active.delete(batches);
  }

  #touch(batches: PartitionBatches, mark: ProducerMark): void {
    const { open } = batches;
    mark.touched.push({ batches, open, at: open === null ? null : open.writer.mark() });
    batches.markedBy = mark;
  }

  #recycle(writer: RecordBatchWriter): void {
    if (this.#pool.length >= this.#options.pooledBatches) return;
    writer.reset();
    this.#pool.push(writer);
  }
}

function isEmpty({ sent, sealed, open }: PartitionBatches): boolean {
  return sent === null && sealed.length === 0 && open === null;
}
