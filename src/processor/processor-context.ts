import type { Duration } from '../common/duration.ts';
import type { Headers, StreamRecord } from '../common/record.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter } from '../observability/metrics.ts';
import type { KeyValueStore } from '../state/key-value-store.ts';
import type { SessionStore } from '../state/session-store.ts';
import type { VersionedKeyValueStore } from '../state/versioned-key-value-store.ts';
import type { WindowStore } from '../state/window-store.ts';
import type { FixedKeyRecord } from './fixed-key-record.ts';
import type { Cancellable, PunctuationType, Punctuator, ScheduleOptions } from './punctuator.ts';
import type { RecordMetadata } from './record-metadata.ts';

/**
 * What a processor of any kind sees of the task that runs it.
 *
 * Source: KIP-478; `org.apache.kafka.streams.processor.api.ProcessingContext`. Differs: stores are asked for by kind.
 */
export interface ProcessingContext {
  readonly applicationId: string;
  /** Such as `0_3`. */
  readonly taskId: string;
  readonly logger: Logger;

  /** Errors: `STREAMS_CONFIG` for an interval under 1 ms or a start before the epoch. */
  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: Punctuator,
    options?: ScheduleOptions,
  ): Cancellable;

  /** Asks for a commit at the next opportunity; returns before it. */
  commit(): void;

  /** Null in a punctuator. */
  readonly recordMetadata: RecordMetadata | null;
  /** Headers of the record being processed; empty in a punctuator. */
  readonly headers: Headers;
  readonly currentStreamTimeMs: number;
  readonly currentSystemTimeMs: number;

  /**
   * A store that is connected to this processor. Writes to a global store throw.
   *
   * Errors: `STREAMS_STORE_UNKNOWN`, naming the node and the stores it has, for any other.
   */
  keyValueStore<K, V>(name: string): KeyValueStore<K, V>;
  windowStore<K, V>(name: string): WindowStore<K, V>;
  sessionStore<K, A>(name: string): SessionStore<K, A>;
  versionedKeyValueStore<K, V>(name: string): VersionedKeyValueStore<K, V>;

  /** A counter of the user's own, in `streams.metrics()` under this node's tags. */
  counter(name: string): Counter;
}

/** Source: `org.apache.kafka.streams.processor.api.ProcessorContext`. */
export interface ProcessorContext<KOut = unknown, VOut = unknown> extends ProcessingContext {
  /**
   * Hands a record to every child, in the order they were added, depth first, before it returns; or to the one child
   * that is named.
   *
   * Errors: `STREAMS_TOPOLOGY` for an unknown child, `STREAMS_PROCESSING` outside `process` and punctuation.
   */
  forward(record: StreamRecord<KOut, VOut>, childName?: string): void;
}

/** Source: `org.apache.kafka.streams.processor.api.FixedKeyProcessorContext`. */
export interface FixedKeyProcessorContext<K = unknown, VOut = unknown> extends ProcessingContext {
  /** As of `ProcessorContext`. Errors: `STREAMS_PROCESSING` for anything but a record made from one it was given. */
  forward(record: FixedKeyRecord<K, VOut>, childName?: string): void;
}
