import type { Headers } from '../common/record.ts';

/** A batch of records as the client hands it on. Only the cursor that came from the same client looks inside. */
export interface RecordBatch {
  readonly recordCount: number;
}

/**
 * Walks the records of one batch after another, without an object, a view or a copy per record; `wire/RecordCursor`.
 *
 * After `next` has returned true the fields describe one record. Ranges are `[start, end)` of `bytes`; -1 is null. They
 * stay until the next call of `next` or `open`.
 *
 * Errors: `STREAMS_CODEC_MISSING` from `open`, `STREAMS_CORRUPT_MESSAGE` from both.
 */
export interface RecordCursor {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly timestampMs: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headerCount: number;
  headers(): Headers;
  open(batch: RecordBatch): void;
  next(): boolean;
}

/** What one fetch brought of one partition, without control batches and aborted records; `client/FetchedPartition`. */
export interface RecordChunk {
  readonly topic: string;
  readonly partition: number;
  readonly batches: readonly RecordBatch[];
  /** Records below it were asked for by nobody: a batch may begin earlier. */
  readonly startOffset: number;
  /** Where the next chunk begins; beyond the last record where markers or compacted records follow it. */
  readonly nextOffset: number;
  /** At least as many as there are. */
  readonly recordCount: number;
  /** The memory of the batches may be used again: nobody reads them any more. At most once; never is no error. */
  readonly release?: () => void;
}
