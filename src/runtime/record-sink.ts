import type { Headers } from '../common/record.ts';

/** A place in everything appended so far. Only the sink that made it looks inside. */
export type SinkMark = unknown;

/**
 * Where the output and changelog records of a stream thread's tasks go, inside the open transaction: `client/Producer`,
 * or memory in the test driver.
 */
export interface RecordSink {
  /** Undefined for a topic that is not known (yet): see `prepareTopics`. */
  partitionCount(topic: string): number | undefined;
  /** Resolves when the topics are known. Errors: `STREAMS_TOPIC_MISSING`. */
  prepareTopics(topics: readonly string[]): Promise<void>;
  /**
   * Copies key and value before it returns; sending comes later.
   *
   * Errors: `STREAMS_RECORD_TOO_LARGE`; then nothing was appended.
   */
  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void;
  /** How far beyond now the topic takes timestamps (`message.timestamp.after.max.ms`); undefined where not known. */
  timestampLimitMs?(topic: string): number | undefined;

  /** Remembers this place; nothing appended after it is sent before `rollback` or `release` has been called. */
  mark(): SinkMark;
  /** Takes back what was appended since. */
  rollback(mark: SinkMark): void;
  release(mark: SinkMark): void;
}
