import { produce } from './messages/produce.ts';
import type { Writer } from './writer.ts';

/** One batch of one partition, as `RecordBatchWriter.finish` gives it. */
export interface ProduceBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Uint8Array;
}

export interface ProduceRequestOptions {
  readonly transactionalId: string | null;
  readonly acks: number;
  readonly timeoutMs: number;
  /** Batches of one topic stand together; at most one per partition. */
  readonly batches: readonly ProduceBatch[];
}

const TOPIC_OVERHEAD_BYTES = 16;
const PARTITION_OVERHEAD_BYTES = 16;

/**
 * Writes a Produce request, copying each batch once, into one buffer that has its final size from the start: the socket layer
 * of the default transport takes a body in one piece.
 */
export function writeProduceRequest(
  writer: Writer,
  version: number,
  { transactionalId, acks, timeoutMs, batches }: ProduceRequestOptions,
): void {
  writer.reserve(sizeBound(batches));
  writer.begin(version >= produce.flexibleFrom);
  writer.nullableString(transactionalId);
  writer.int16(acks);
  writer.int32(timeoutMs);
  writer.listLength(topicRuns(batches));
  for (let start = 0; start < batches.length;) {
    const end = endOfRun(batches, start);
    writer.string((batches[start] as ProduceBatch).topic);
    writer.listLength(end - start);
    for (const { partition, batch } of batches.slice(start, end)) {
      writer.int32(partition);
      writer.bytes(batch);
      writer.noTags();
    }
    writer.noTags();
    start = end;
  }
  writer.noTags();
}

/** The first index at or behind `start` that is of another topic. */
function endOfRun(batches: readonly ProduceBatch[], start: number): number {
  const topic = batches[start]?.topic;
  let end = start + 1;
  while (batches[end]?.topic === topic && end < batches.length) end++;
  return end;
}

function topicRuns(batches: readonly ProduceBatch[]): number {
  let runs = 0;
  for (let start = 0; start < batches.length; start = endOfRun(batches, start)) runs++;
  return runs;
}

function sizeBound(batches: readonly ProduceBatch[]): number {
  let size = 0;
  for (const { topic, batch } of batches) {
    size += batch.length + PARTITION_OVERHEAD_BYTES + TOPIC_OVERHEAD_BYTES + 3 * topic.length;
  }
  return size;
}
