import type { RecordMetadata } from './record-metadata.ts';
import type { Headers } from '../common/record.ts';

/** Beside key and value of an output record: where it comes from, its time and headers. */
export interface RecordContext {
  readonly metadata: RecordMetadata | null;
  readonly timestampMs: number;
  readonly headers: Headers;
}

/** The topic of one output record. The topic must exist. */
export type TopicNameExtractor<K = unknown, V = unknown> = (
  key: K,
  value: V,
  context: RecordContext,
) => string;
