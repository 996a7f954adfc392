import { createHash } from 'node:crypto';
import type { StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import type { ErrorHandlerContext } from '../processor/error-handlers.ts';

/** What goes to a dead-letter topic in place of a record that failed. */
export interface DeadLetter {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  readonly headers: Headers;
}

/**
 * The record as it was read: its bytes, time and headers, and behind them what went wrong and where. Of a punctuation
 * there is no record, so key and value are null.
 *
 * Source: KIP-1034, `ExceptionHandlerUtils`. The exception is what user code threw, not our error around it.
 */
export function deadLetter(context: ErrorHandlerContext, error: StreamsError): DeadLetter {
  const thrown = error.cause instanceof Error ? error.cause : error;
  const stack = thrown.stack ?? thrown.message;
  return {
    key: context.rawKey,
    value: context.rawValue,
    timestampMs: context.timestampMs,
    headers: [
      ...context.headers,
      ['__streams.errors.exception', text(thrown.name)],
      ['__streams.errors.message', text(thrown.message)],
      ['__streams.errors.stacktrace', text(stack)],
      ['__streams.errors.topic', context.topic === null ? null : text(context.topic)],
      ['__streams.errors.partition', text(String(context.partition))],
      ['__streams.errors.offset', text(String(context.offset))],
    ],
  };
}

/** For a record that the topic would not take: digests and lengths in place of what is large, so that it can be found. */
export function shortened(letter: DeadLetter): DeadLetter {
  return {
    ...letter,
    key: digest(letter.key),
    value: digest(letter.value),
    headers: [
      ...letter.headers.filter(([name]) => name.startsWith('__streams.errors.')),
      ['__streams.errors.shortened', text('true')],
    ],
  };
}

const DIGEST_IS_SHORTER_THAN_BYTES = 128;

function digest(bytes: Uint8Array | null): Uint8Array | null {
  if (bytes === null || bytes.length < DIGEST_IS_SHORTER_THAN_BYTES) return bytes;
  return text(
    `sha256:${createHash('sha256').update(bytes).digest('hex')} of ${bytes.length} bytes`,
  );
}

function text(value: string): Uint8Array {
  return Buffer.from(value);
}
