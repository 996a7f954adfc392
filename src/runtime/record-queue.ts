import type { Clock } from '../common/clock.ts';
import { StreamsError } from '../common/errors.ts';
import { NO_HEADERS, StreamRecord, type Headers } from '../common/record.ts';
import type { Counter } from '../observability/metrics.ts';
import type { DroppedReason } from '../processor/dropped-reason.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import { readsBytes } from '../serde/bytes-serde.ts';
import type { Serde, SerdeSite } from '../serde/serde.ts';
import { messageOf } from './message-of.ts';
import { OwnedBytes } from './owned-bytes.ts';
import { UNKNOWN_TIME_MS } from './offset-metadata.ts';
import type { ProcessorNode } from './processor-node.ts';
import type { RecordChunk, RecordCursor } from './record-chunk.ts';

/** What the queue tells its task about records that never become one. */
export interface RecordQueueListener {
  /** Returns where the record is to be skipped; throws where the task has to stop. */
  undecodable(queue: RecordQueue, error: StreamsError): void;
  dropped(queue: RecordQueue, reason: DroppedReason): void;
}

/** The source node a queue feeds: what its records go to first. */
export interface QueueSource {
  readonly name: string;
  readonly children: readonly ProcessorNode[];
}

export interface RecordQueueOptions {
  readonly topic: string;
  readonly partition: number;
  readonly source: QueueSource;
  readonly clock: Clock;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** Null takes the record's own timestamp and refuses negative ones, as `failOnInvalidTimestamp`. */
  readonly timestampExtractor: TimestampExtractor | null;
  readonly cursor: RecordCursor;
  readonly listener: RecordQueueListener;
  readonly consumedRecords: Counter;
  /** Records whose time lies far ahead of the clock; they are processed as any other. */
  readonly futureRecords: Counter;
}

/** As far ahead as Kafka 4 lets a producer write (`message.timestamp.after.max.ms`). */
const FUTURE_MS = 3_600_000;

/** One object for all records of a queue: their headers are mostly the same, none. */
class QueueSite implements SerdeSite {
  readonly topic: string;
  readonly isKey: boolean;
  headers: Headers = NO_HEADERS;

  constructor(topic: string, isKey: boolean) {
    this.topic = topic;
    this.isKey = isKey;
  }
}

type Read = (bytes: Uint8Array, start: number, end: number, site: SerdeSite) => unknown;

/**
 * The fetched records of one partition, in offset order, of which only the first one, the head, is ever deserialized.
 *
 *     advance   makes the next record that can be processed the head; what cannot be is handled on the way
 *     take      gives the head out; until the next call of `advance` or `nextOffset` the queue stays on that record
 *               (`offset`, `rawKey`), for metadata and error handlers
 *
 * Partition time is the highest timestamp taken, not fetched, and never goes back. Source: `RecordQueue`.
 *
 * Errors of `advance`: what the listener throws for an undecodable record; `STREAMS_INVALID_TIMESTAMP`; those of the
 * cursor.
 */
export class RecordQueue {
  readonly topic: string;
  readonly partition: number;
  readonly source: QueueSource;
  /** The timestamp of the head. */
  headTimestampMs = UNKNOWN_TIME_MS;
  partitionTimeMs = UNKNOWN_TIME_MS;

  readonly #clock: Clock;
  readonly #cursor: RecordCursor;
  readonly #listener: RecordQueueListener;
  readonly #consumedRecords: Counter;
  readonly #futureRecords: Counter;
  /** Later times are in the future. By the clock of the last fetch: asking it for each record takes 50 ns. */
  #futureFromMs = Infinity;
  readonly #extractor: TimestampExtractor | null;
  readonly #readKey: Read;
  readonly #readValue: Read;
  readonly #keySite: QueueSite;
  readonly #valueSite: QueueSite;
  readonly #releasesChunks: boolean;

  /** The first one is being read; one that was read is let go, since it holds the bytes of its fetch. */
  #chunks: RecordChunk[] = [];
  #batchIndex = 0;
  #batchIsOpen = false;
  #recordsLeftInChunk = 0;
  #startOffset = 0;
  #buffered = 0;
  #head: StreamRecord<unknown, unknown> | null = null;
  /** The cursor is on a record that nobody has looked at. */
  #isPeeked = false;
  /** Where the next fetch of this partition begins; null until known. */
  #fetchPosition: number | null = null;

  constructor(options: RecordQueueOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.source = options.source;
    this.#clock = options.clock;
    this.#cursor = options.cursor;
    this.#listener = options.listener;
    this.#consumedRecords = options.consumedRecords;
    this.#futureRecords = options.futureRecords;
    this.#extractor = options.timestampExtractor;
    // For keys alone it would copy all that lies between them, too.
    const owned = readsBytes(options.value) ? new OwnedBytes() : null;
    this.#readKey = reader(options.key, owned);
    this.#readValue = reader(options.value, owned);
    // `deserialize` gets a view, which serdes that users write may well return: that memory is never used again.
    this.#releasesChunks = readsInPlace(options.key) && readsInPlace(options.value);
    this.#keySite = new QueueSite(options.topic, true);
    this.#valueSite = new QueueSite(options.topic, false);
  }

  /** At most this many records are buffered. The thread stops fetching above its limit; the queue refuses none. */
  get bufferedRecords(): number {
    return this.#buffered + (this.#head === null && !this.#isPeeked ? 0 : 1);
  }

  /** Of the head, or of the record that was taken last. */
  get offset(): number {
    return this.#cursor.offset;
  }

  /** As the broker gave it, before the extractor. */
  get rawTimestampMs(): number {
    return this.#cursor.timestampMs;
  }

  /** Copies, for error handlers and dead letters. */
  rawKey(): Uint8Array | null {
    return this.#copy(this.#cursor.keyStart, this.#cursor.keyEnd);
  }

  rawValue(): Uint8Array | null {
    return this.#copy(this.#cursor.valueStart, this.#cursor.valueEnd);
  }

  headers(): Headers {
    return this.#cursor.headerCount === 0 ? NO_HEADERS : this.#cursor.headers();
  }

  add(chunk: RecordChunk): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.recordCount;
    this.#fetchPosition = chunk.nextOffset;
    this.#futureFromMs = this.#clock.nowMs() + FUTURE_MS;
  }

  /** Empties the queue; fetching goes on at `position`, null where that is not known yet. */
  reset(position: number | null, partitionTimeMs: number): void {
    this.#chunks = [];
    this.#batchIndex = 0;
    this.#batchIsOpen = false;
    this.#recordsLeftInChunk = 0;
    this.#buffered = 0;
    this.#head = null;
    this.#isPeeked = false;
    this.#fetchPosition = position;
    this.partitionTimeMs = partitionTimeMs;
  }

  /** False where nothing is left to process. */
  advance(): boolean {
    while (this.#head === null) {
      if (!this.#nextRaw()) return false;
      this.#head = this.#decode();
    }
    return true;
  }

  /** The head, which `advance` has promised. */
  take(): StreamRecord<unknown, unknown> {
    const record = this.#head as StreamRecord<unknown, unknown>;
    this.#head = null;
    if (this.headTimestampMs > this.partitionTimeMs) this.partitionTimeMs = this.headTimestampMs;
    if (this.headTimestampMs > this.#futureFromMs) this.#futureRecords.add(1);
    this.#consumedRecords.add(1);
    return record;
  }

  /**
   * What a commit says: the first record that is not processed, else where fetching goes on, so that a restart passes
   * markers and compacted records too. Null while neither is known. Not to be called before a taken record is done.
   */
  nextOffset(): number | null {
    if (this.#head !== null) return this.#cursor.offset;
    if (this.#isPeeked) return this.#cursor.offset;
    if (!this.#nextRaw()) return this.#fetchPosition;
    this.#isPeeked = true;
    return this.#cursor.offset;
  }

  #nextRaw(): boolean {
    if (this.#isPeeked) {
      this.#isPeeked = false;
      return true;
    }
    for (;;) {
      if (!this.#batchIsOpen && !this.#openNextBatch()) return false;
      if (!this.#cursor.next()) {
        this.#batchIsOpen = false;
        continue;
      }
      this.#recordsLeftInChunk--;
      this.#buffered--;
      if (this.#cursor.offset >= this.#startOffset) return true;
    }
  }

  #openNextBatch(): boolean {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return false;
      const batch = chunk.batches[this.#batchIndex];
      if (batch !== undefined) {
        if (this.#batchIndex === 0) {
          this.#startOffset = chunk.startOffset;
          this.#recordsLeftInChunk = chunk.recordCount;
        }
        this.#batchIndex++;
        this.#cursor.open(batch);
        this.#batchIsOpen = true;
        return true;
      }
      // The count of a chunk may have been too high.
      this.#buffered -= chunk.batches.length === 0 ? chunk.recordCount : this.#recordsLeftInChunk;
      this.#chunks.shift();
      if (this.#releasesChunks) chunk.release?.();
      this.#batchIndex = 0;
    }
  }

  /** The record under the cursor, or null where it was dropped. */
  #decode(): StreamRecord<unknown, unknown> | null {
    const cursor = this.#cursor;
    let headers = NO_HEADERS;
    if (cursor.headerCount !== 0 || this.#keySite.headers !== NO_HEADERS) {
      headers = this.headers();
      this.#keySite.headers = headers;
      this.#valueSite.headers = headers;
    }
    let key: unknown = null;
    let value: unknown = null;
    let isKey = true;
    try {
      if (cursor.keyStart >= 0) {
        key = this.#readKey(cursor.bytes, cursor.keyStart, cursor.keyEnd, this.#keySite);
      }
      isKey = false;
      if (cursor.valueStart >= 0) {
        value = this.#readValue(cursor.bytes, cursor.valueStart, cursor.valueEnd, this.#valueSite);
      }
    } catch (cause) {
      this.#listener.undecodable(this, this.#undecodable(isKey ? 'key' : 'value', cause));
      return null;
    }
    const timestampMs =
      this.#extractor === null
        ? this.#ownTimestampMs()
        : this.#extractTimestampMs(this.#extractor, key, value, headers);
    if (timestampMs < 0) {
      this.#listener.dropped(this, 'negative-timestamp');
      return null;
    }
    this.headTimestampMs = timestampMs;
    return new StreamRecord(key, value, timestampMs, headers);
  }

  #ownTimestampMs(): number {
    const { timestampMs } = this.#cursor;
    if (timestampMs >= 0) return timestampMs;
    throw new StreamsError(
      'STREAMS_INVALID_TIMESTAMP',
      `the record has no usable timestamp (${timestampMs}): it was written by a producer of before Kafka 0.10, or with a ` +
        'negative time. Set a timestamp extractor, which may take the time from the value, estimate it or skip the record',
      { site: this.#site() },
    );
  }

  #extractTimestampMs(
    extract: TimestampExtractor,
    key: unknown,
    value: unknown,
    headers: Headers,
  ): number {
    const { topic, partition } = this;
    const { offset, timestampMs } = this.#cursor;
    const record = { key, value, timestampMs, headers, topic, partition, offset };
    let extracted: number;
    try {
      extracted = extract(record, this.partitionTimeMs, this.#clock);
    } catch (cause) {
      if (cause instanceof StreamsError) throw cause.at(this.#site());
      throw new StreamsError('STREAMS_INVALID_TIMESTAMP', 'the timestamp extractor threw', {
        site: this.#site(),
        cause,
      });
    }
    if (Number.isSafeInteger(extracted)) return extracted;
    throw new StreamsError(
      'STREAMS_INVALID_TIMESTAMP',
      `the timestamp extractor returned ${String(extracted)}: it must return whole milliseconds since the epoch, or a ` +
        'negative number to drop the record',
      { site: this.#site() },
    );
  }

  #undecodable(part: 'key' | 'value', cause: unknown): StreamsError {
    return new StreamsError(
      'STREAMS_DESERIALIZATION',
      `the ${part} cannot be deserialized: ${messageOf(cause)}. Check the serde of this source against what was written, ` +
        'or set deserializationExceptionHandler',
      { site: this.#site(), cause },
    );
  }

  #site(): { topic: string; partition: number; offset: number; node: string } {
    const { topic, partition, offset, source } = this;
    return { topic, partition, offset, node: source.name };
  }

  #copy(start: number, end: number): Uint8Array | null {
    return start < 0 ? null : this.#cursor.bytes.slice(start, end);
  }
}

function reader(serde: Serde<unknown>, owned: OwnedBytes | null): Read {
  if (owned !== null && readsBytes(serde)) {
    return (bytes, start, end) => owned.view(bytes, start, end);
  }
  if (readsInPlace(serde)) {
    return (bytes, start, end, site) => serde.deserializeAt(bytes, start, end, site);
  }
  // Not `subarray`: of a Buffer that takes 59 ns, this 19.
  return (bytes, start, end, site) =>
    serde.deserialize(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start), site);
}

function readsInPlace(
  serde: Serde<unknown>,
): serde is Serde<unknown> & Required<Pick<Serde<unknown>, 'deserializeAt'>> {
  return serde.deserializeAt !== undefined;
}
