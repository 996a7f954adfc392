import type { Headers } from '../common/record.ts';
import type { RecordSink } from '../runtime/record-sink.ts';
import type { MemoryRecord } from './memory-records.ts';

/** One record that a task has written, and where. */
export interface ProducedRecord {
  readonly topic: string;
  readonly record: MemoryRecord;
}

/** Topics of one partition each, in memory, that exist once they are written to. */
export class MemoryTopics implements RecordSink {
  readonly #endOffsets = new Map<string, number>();
  #produced: ProducedRecord[] = [];

  partitionCount(): number {
    return 1;
  }

  prepareTopics(): Promise<void> {
    return Promise.resolve();
  }

  append(
    topic: string,
    _partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#produced.push({
      topic,
      record: this.next(topic, { key: copy(key), value: copy(value), timestampMs, headers }),
    });
  }

  mark(): number {
    return this.#produced.length;
  }

  rollback(mark: unknown): void {
    const undone = this.#produced.splice(mark as number); // what `mark` has given out
    for (const { topic } of undone) this.#endOffsets.set(topic, this.endOffset(topic) - 1);
  }

  release(): void {
    // Nothing was held back.
  }

  endOffset(topic: string): number {
    return this.#endOffsets.get(topic) ?? 0;
  }

  /** Gives a record the next offset of its topic. */
  next(topic: string, record: Omit<MemoryRecord, 'offset'>): MemoryRecord {
    const offset = this.endOffset(topic);
    this.#endOffsets.set(topic, offset + 1);
    return { ...record, offset };
  }

  /** What was written since the last call, in order. */
  takeProduced(): readonly ProducedRecord[] {
    const produced = this.#produced;
    this.#produced = [];
    return produced;
  }
}

function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Uint8Array.from(bytes);
}
