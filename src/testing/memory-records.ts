import { NO_HEADERS, type Headers } from '../common/record.ts';
import type { RecordBatch, RecordChunk, RecordCursor } from '../runtime/record-chunk.ts';

/** A record as it lies in a topic in memory. */
export interface MemoryRecord {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  readonly headers: Headers;
}

class MemoryBatch implements RecordBatch {
  readonly records: readonly MemoryRecord[];

  constructor(records: readonly MemoryRecord[]) {
    this.records = records;
  }

  get recordCount(): number {
    return this.records.length;
  }
}

const NOTHING = new Uint8Array(0);

/** Walks batches that were never bytes of the wire: key and value of the present record lie in one buffer of its own. */
export class MemoryRecordCursor implements RecordCursor {
  bytes: Uint8Array = NOTHING;
  offset = -1;
  timestampMs = -1;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  #headers: Headers = NO_HEADERS;
  #records: readonly MemoryRecord[] = [];
  #next = 0;

  open(batch: RecordBatch): void {
    this.#records = batch instanceof MemoryBatch ? batch.records : [];
    this.#next = 0;
  }

  next(): boolean {
    const record = this.#records[this.#next];
    if (record === undefined) return false;
    this.#next++;
    const { key, value } = record;
    const keyLength = key?.length ?? 0;
    this.bytes = Buffer.concat([key ?? NOTHING, value ?? NOTHING]);
    this.offset = record.offset;
    this.timestampMs = record.timestampMs;
    this.keyStart = key === null ? -1 : 0;
    this.keyEnd = key === null ? -1 : keyLength;
    this.valueStart = value === null ? -1 : keyLength;
    this.valueEnd = value === null ? -1 : this.bytes.length;
    this.headerCount = record.headers.length;
    this.#headers = record.headers;
    return true;
  }

  headers(): Headers {
    return this.#headers;
  }
}

/** Records of one partition as a fetch would bring them; `nextOffset` is behind the last one unless given. */
export function memoryChunk(
  topic: string,
  partition: number,
  records: readonly MemoryRecord[],
  range: { readonly startOffset?: number; readonly nextOffset?: number } = {},
): RecordChunk {
  const { startOffset = records[0]?.offset ?? 0 } = range;
  const { nextOffset = (records.at(-1)?.offset ?? startOffset - 1) + 1 } = range;
  return {
    topic,
    partition,
    batches: records.length === 0 ? [] : [new MemoryBatch(records)],
    startOffset,
    nextOffset,
    recordCount: records.length,
  };
}
