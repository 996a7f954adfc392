import type { ErrorSite } from '../common/errors.ts';
import { controlType } from '../wire/control-record.ts';
import type { Crc32c } from '../wire/crc32c.ts';
import type { AbortedTransaction } from '../wire/fetch-response.ts';
import { readRecordBatch, type RecordBatch } from '../wire/record-batch.ts';
import type { RecordCursor } from '../wire/record-cursor.ts';

export interface BatchFilterOptions {
  readonly records: Uint8Array;
  /** The offset that was asked for: the first batch may begin below it. */
  readonly fetchOffset: number;
  /** As the broker sent it; null under read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly crc32c: Crc32c;
  /** To read control records with. */
  readonly cursor: RecordCursor;
  readonly site: ErrorSite;
}

export interface FilteredBatches {
  /** Data that is committed (or all, under read_uncommitted), in the order of the log. */
  readonly batches: readonly RecordBatch[];
  /** Behind the last whole batch, whatever it was. */
  readonly nextOffset: number;
  /** An upper bound: records below the offset that was asked for are counted too. */
  readonly recordCount: number;
}

/**
 * Walks the batches that a partition's Fetch answer holds and keeps those that its reader may see.
 *
 * A batch is left out when it is a control batch, when it is empty (compaction leaves such), and under read_committed when
 * its transaction was aborted. The broker lists aborted transactions by producer and first offset, in the order of their
 * markers and more of them than match, so they are sorted here; one counts from its first offset to the abort marker of its
 * producer. The list is complete for one answer and begins anew with the next, so nothing is kept between answers.
 *
 * The position moves over every whole batch; what is cut off at the end is left for the next fetch.
 *
 * Errors: `STREAMS_CORRUPT_MESSAGE`.
 * Source: KIP-98; `org.apache.kafka.clients.consumer.internals.CompletedFetch`.
 */
export function committedBatches(options: BatchFilterOptions): FilteredBatches {
  const { records, fetchOffset, abortedTransactions } = options;
  const starting = [...(abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  const aborted = new Set<number>();
  const batches: RecordBatch[] = [];
  let nextOffset = fetchOffset;
  let recordCount = 0;
  let nextStarting = 0;

  for (let at = 0; ;) {
    const batch = readRecordBatch(records, at, options);
    if (batch === null) return { batches, nextOffset, recordCount };
    at = batch.end;

    for (; nextStarting < starting.length; nextStarting++) {
      const transaction = starting[nextStarting] as AbortedTransaction;
      if (transaction.firstOffset > batch.lastOffset) break;
      aborted.add(transaction.producerId);
    }
    // A marker ends its transaction wherever it stands, below the offset that was asked for too.
    const isAbort = batch.isControl && controlType(batch, options.cursor) === 'abort';
    if (isAbort) aborted.delete(batch.producerId);
    if (batch.lastOffset < fetchOffset) continue;
    nextOffset = batch.nextOffset;
    if (batch.isControl || batch.recordCount === 0) continue;
    if (!(batch.isTransactional && aborted.has(batch.producerId))) {
      batches.push(batch);
      recordCount += batch.recordCount;
    }
  }
}
