import type { StreamsError } from '../../src/common/errors.ts';
import type { Headers } from '../../src/common/record.ts';
import type { RecordSink } from '../../src/runtime/record-sink.ts';

export interface AppendedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: Headers;
}

export interface MemorySinkOptions {
  /** Topics are known with 1 partition unless they are here; undefined: not known before `prepareTopics`. */
  readonly partitionCounts?: Readonly<Record<string, number | undefined>>;
  readonly timestampLimitMs?: number;
  /** What `append` throws for a topic, if anything. */
  readonly refuse?: (topic: string, value: Uint8Array | null) => StreamsError | undefined;
  /** What `prepareTopics` rejects with. */
  readonly missing?: StreamsError;
}

/** A producer's face over a list. Keys and values are shown as text. */
export class MemorySink implements RecordSink {
  readonly appended: AppendedRecord[] = [];
  readonly #options: MemorySinkOptions;
  readonly #prepared = new Set<string>();

  constructor(options: MemorySinkOptions = {}) {
    this.#options = options;
  }

  /** `topic:key=value` of what was written, without changelogs. */
  get lines(): string[] {
    return this.appended
      .filter(({ topic }) => !topic.endsWith('-changelog'))
      .map(({ topic, key, value }) => `${topic}:${key ?? ''}=${value ?? ''}`);
  }

  partitionCount(topic: string): number | undefined {
    const { partitionCounts = {} } = this.#options;
    if (this.#prepared.has(topic)) return 1;
    return Object.hasOwn(partitionCounts, topic) ? partitionCounts[topic] : 1;
  }

  async prepareTopics(topics: readonly string[]): Promise<void> {
    await Promise.resolve();
    if (this.#options.missing !== undefined) throw this.#options.missing;
    for (const topic of topics) this.#prepared.add(topic);
  }

  timestampLimitMs(): number | undefined {
    return this.#options.timestampLimitMs;
  }

  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    const refused = this.#options.refuse?.(topic, value);
    if (refused !== undefined) throw refused;
    this.appended.push({
      topic,
      partition,
      key: text(key),
      value: text(value),
      timestampMs,
      headers,
    });
  }

  mark(): number {
    return this.appended.length;
  }

  rollback(mark: unknown): void {
    this.appended.length = mark as number;
  }

  release(): void {
    // Nothing was held back.
  }
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}
