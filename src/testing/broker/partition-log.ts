import { writeInt32, writeInt64 } from '../../common/bytes.ts';
import { partitionKey } from '../../common/topic-partition.ts';
import { controlBatch, type TransactionMarker } from '../../wire/control-batch.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { LEADER_EPOCH_AT, RecordBatch } from '../../wire/record-batch.ts';
import { RecordCursor } from '../../wire/record-cursor.ts';
import { AbortedTransactions, type AbortedRange } from './aborted-transactions.ts';
import type { BrokerEnvironment } from './broker-environment.ts';
import { compactBatches } from './compaction.ts';
import { prepareBatch } from './incoming-batch.ts';
import { ProducerStates } from './producer-states.ts';
import type { TopicConfig } from './topic-config.ts';

export type Isolation = 'read_committed' | 'read_uncommitted';

/** What became of a batch. */
export interface AppendResult {
  readonly errorCode: number;
  readonly baseOffset: number;
  /** -1 where the log was not asked, or could make nothing of the batch. */
  readonly logStartOffset: number;
  /** -1 where records keep their own time; for a duplicate, the time of the batch in any case. */
  readonly logAppendTimeMs: number;
  /** Index of the records that made the broker refuse the batch, with the reason. */
  readonly recordErrors: readonly { readonly index: number; readonly message: string }[];
}

export interface OffsetAndTime {
  readonly offset: number;
  readonly timestampMs: number;
}

/** What a batch gets that is refused, but for the reason. */
export const NOT_APPENDED: AppendResult = {
  errorCode: ERROR.UNKNOWN_SERVER_ERROR,
  baseOffset: -1,
  logStartOffset: -1,
  logAppendTimeMs: -1,
  recordErrors: [],
};

const UNREADABLE: ReadonlySet<number> = new Set([ERROR.CORRUPT_MESSAGE, ERROR.MESSAGE_TOO_LARGE]);
const MAX_BATCH_BYTES = 256 << 20;

/**
 * The log of one partition: whole batches, as they came, with their offsets.
 *
 *     logStart ≤ … batches … ≤ lastStableOffset ≤ highWatermark = logEnd
 *
 * There is one copy of it, so a batch that was taken is replicated: the high watermark is the end. The last stable offset
 * is where the first transaction begins that is not decided here; markers may reach partitions one after another.
 *
 * Source: `UnifiedLog` of Kafka.
 */
export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  leader: number;
  leaderEpoch = 0;
  logStartOffset = 0;
  readonly producers = new ProducerStates();
  readonly #environment: BrokerEnvironment;
  readonly #config: TopicConfig;
  readonly #aborted = new AbortedTransactions();
  readonly #listeners = new Set<() => void>();
  #batches: RecordBatch[] = [];
  #endOffset = 0;

  constructor(
    topic: string,
    partition: number,
    leader: number,
    config: TopicConfig,
    environment: BrokerEnvironment,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.leader = leader;
    this.#config = config;
    this.#environment = environment;
  }

  get batches(): readonly RecordBatch[] {
    return this.#batches;
  }

  get highWatermark(): number {
    return this.#endOffset;
  }

  get lastStableOffset(): number {
    const firstOpen = this.producers.firstOpenOffset();
    return firstOpen === null ? this.#endOffset : Math.max(firstOpen, this.logStartOffset);
  }

  /** How far a reader may see. */
  endFor(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.#endOffset;
  }

  /** A client's batches, which must be exactly one. `startsAtZero`: see `ProducerStates`. */
  append(records: Uint8Array, startsAtZero: boolean): AppendResult {
    const nowMs = this.#environment.clock.nowMs();
    const prepared = prepareBatch(records, this.#config, nowMs, this.#environment);
    const { logStartOffset } = this;
    const refused = (
      errorCode: number,
      recordErrors: AppendResult['recordErrors'] = [],
    ): AppendResult => ({
      ...NOT_APPENDED,
      errorCode,
      logStartOffset: UNREADABLE.has(errorCode) ? -1 : logStartOffset,
      recordErrors,
    });
    if ('errorCode' in prepared) return refused(prepared.errorCode, prepared.recordErrors);
    const { batch } = prepared;
    const isTimeOfAppend = batch.isLogAppendTime;
    if (batch.producerId >= 0) {
      const duplicate = this.producers.duplicateOf(batch);
      if (duplicate !== null) {
        const { baseOffset, timestampMs: logAppendTimeMs } = duplicate;
        return {
          ...NOT_APPENDED,
          errorCode: ERROR.NONE,
          baseOffset,
          logStartOffset,
          logAppendTimeMs,
        };
      }
      const errorCode = this.producers.check(batch, startsAtZero);
      if (errorCode !== ERROR.NONE) return refused(errorCode);
    }
    const taken = this.#store(batch);
    if (taken.producerId >= 0) this.producers.append(taken);
    this.#changed();
    return {
      errorCode: ERROR.NONE,
      baseOffset: taken.baseOffset,
      logStartOffset,
      logAppendTimeMs: isTimeOfAppend ? nowMs : -1,
      recordErrors: [],
    };
  }

  /** Ends the transaction of a producer here. */
  writeMarker(marker: TransactionMarker): void {
    const bytes = controlBatch(marker, this.#environment.crc32c);
    const batch = this.#store(new RecordBatch(bytes, 0, bytes.length));
    const { producerId, producerEpoch, coordinatorEpoch, timestampMs } = marker;
    const start = this.producers.end(producerId, producerEpoch, coordinatorEpoch, timestampMs);
    if (marker.type === 'abort' && start !== null) {
      this.#aborted.add({ producerId, firstOffset: start, lastOffset: batch.lastOffset });
    }
    this.#changed();
  }

  /**
   * Bytes from the batch that holds `offset` on, which may begin below it, cut at exactly `maxBytes` in the middle of a
   * batch. The first batch is given whole where `atLeastOne` says so; otherwise nothing is, when it does not fit.
   */
  read(offset: number, end: number, maxBytes: number, atLeastOne: boolean): Uint8Array {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let at = this.#indexOf(offset); at < this.#batches.length; at++) {
      const { bytes, baseOffset } = this.#batches[at] as RecordBatch;
      if (baseOffset >= end) break;
      if (size === 0 && bytes.length > maxBytes) return atLeastOne ? bytes : NOTHING;
      const chunk = bytes.subarray(0, Math.min(bytes.length, maxBytes - size));
      chunks.push(chunk);
      size += chunk.length;
      if (size === maxBytes) break;
    }
    return Buffer.concat(chunks, size);
  }

  /** In the order of their markers. */
  abortedBetween(start: number, end: number): readonly AbortedRange[] {
    return this.#aborted.overlapping(start, end);
  }

  /** The first record below `end` whose time is not before `timestampMs`. */
  offsetForTime(timestampMs: number, end: number): OffsetAndTime | null {
    const cursor = this.#cursor();
    for (const batch of this.#batches) {
      if (batch.maxTimestampMs < timestampMs) continue;
      cursor.open(batch);
      while (cursor.next()) {
        if (cursor.offset < this.logStartOffset || cursor.timestampMs < timestampMs) continue;
        return cursor.offset < end
          ? { offset: cursor.offset, timestampMs: cursor.timestampMs }
          : null;
      }
    }
    return null;
  }

  /** The record with the highest time; null where that is not below `end`. */
  offsetOfMaxTime(end: number): OffsetAndTime | null {
    const maxMs = this.#batches.reduce((max, batch) => Math.max(max, batch.maxTimestampMs), -1);
    return maxMs < 0 ? null : this.offsetForTime(maxMs, end);
  }

  /** Moves the start of the log, into an open transaction too; -1 is the high watermark. */
  deleteRecordsBefore(offset: number): number {
    const target = offset === -1 ? this.highWatermark : offset;
    if (target < 0 || target > this.highWatermark) return ERROR.OFFSET_OUT_OF_RANGE;
    if (target > this.logStartOffset) {
      this.logStartOffset = target;
      this.#batches = this.#batches.filter(({ lastOffset }) => lastOffset >= target);
      this.#aborted.dropBefore(target);
      this.#changed();
    }
    return ERROR.NONE;
  }

  /** What the log cleaner does to a compacted topic, to all that is decided. */
  compact(): void {
    const cursor = this.#cursor();
    const { crc32c } = this.#environment;
    const end = this.lastStableOffset;
    const aborted = this.#aborted.overlapping(this.logStartOffset, end);
    this.#batches = compactBatches(this.#batches, { end, aborted, cursor, crc32c });
    this.#changed();
  }

  /** Another node leads from now on. */
  lead(node: number): void {
    this.leader = node;
    this.leaderEpoch++;
    this.#changed();
  }

  /** Calls whenever a reader may see more or something else; the result stops that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells parked readers: for who deletes the topic. */
  close(): void {
    this.#changed();
  }

  #store(batch: RecordBatch): RecordBatch {
    const { bytes } = batch;
    const span = batch.lastOffset - batch.baseOffset;
    writeInt64(bytes, 0, this.#endOffset);
    writeInt32(bytes, LEADER_EPOCH_AT, this.leaderEpoch);
    const stored = new RecordBatch(bytes, 0, bytes.length);
    this.#batches.push(stored);
    this.#endOffset += span + 1;
    return stored;
  }

  /** Of the first batch that ends at or behind the offset. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle] as RecordBatch).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #cursor(): RecordCursor {
    const { codecs } = this.#environment;
    const site = { topic: partitionKey(this.topic, this.partition) };
    return new RecordCursor({ codecs, maxDecompressedBytes: MAX_BATCH_BYTES, site });
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const NOTHING = new Uint8Array(0);
