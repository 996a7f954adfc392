import { partitionKey } from '../common/topic-partition.ts';
import type { Headers } from '../common/record.ts';
import type { RecordSink } from '../runtime/record-sink.ts';
import type { MemoryRecord } from './memory-records.ts';
import { TopicLayout } from './topic-layout.ts';

/** One record that a task has written, and where. */
export interface ProducedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: MemoryRecord;
}

/** Topics in memory, which exist once they are written to. */
export class MemoryTopics implements RecordSink {
  readonly #layout: TopicLayout;
  readonly #endOffsets = new Map<string, number>();
  #produced: ProducedRecord[] = [];

  constructor(layout: TopicLayout = new TopicLayout(1)) {
    this.#layout = layout;
  }

  partitionCount(topic: string): number {
    return this.#layout.count(topic);
  }

  prepareTopics(): Promise<void> {
    return Promise.resolve();
  }

  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    const copied = { key: copy(key), value: copy(value), timestampMs, headers };
    this.#produced.push({ topic, partition, record: this.next(topic, partition, copied) });
  }

  mark(): number {
    return this.#produced.length;
  }

  rollback(mark: unknown): void {
    const undone = this.#produced.splice(mark as number); // what `mark` has given out
    for (const { topic, partition } of undone) {
      const end = this.endOffset(topic, partition) - 1;
      this.#endOffsets.set(partitionKey(topic, partition), end);
    }
  }

  release(): void {
    // Nothing was held back.
  }

  endOffset(topic: string, partition: number): number {
    return this.#endOffsets.get(partitionKey(topic, partition)) ?? 0;
  }

  /** Gives a record the next offset of its partition. */
  next(topic: string, partition: number, record: Omit<MemoryRecord, 'offset'>): MemoryRecord {
    const offset = this.endOffset(topic, partition);
    this.#endOffsets.set(partitionKey(topic, partition), offset + 1);
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
