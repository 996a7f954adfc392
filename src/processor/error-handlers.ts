import type { StreamsError } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';

/**
 *     fail         the error goes to the uncaught-exception handler; under exactly once the transaction is aborted
 *     continue     the record is skipped and counted; its offset is committed
 *     retry        once more, where that can help: not for deserialization
 *     deadLetter   as continue, and the record's raw bytes go to this topic in the same transaction
 */
export type ErrorHandlerResponse = 'fail' | 'continue' | 'retry' | { readonly deadLetter: string };

/** Where the error happened and the bytes that were being handled. */
export interface ErrorHandlerContext {
  readonly taskId: string;
  readonly node: string;
  /** Null for what a punctuator did. */
  readonly topic: string | null;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly headers: Headers;
  readonly rawKey: Uint8Array | null;
  readonly rawValue: Uint8Array | null;
}

/** The one shape of the deserialization, processing and production handlers. Synchronous; throwing means `'fail'`. */
export type ErrorHandler = (
  context: ErrorHandlerContext,
  error: StreamsError,
) => ErrorHandlerResponse;

/** The default of all three. */
export const logAndFail: ErrorHandler = () => 'fail';

/** Skips what cannot be handled; the runtime logs and counts it. */
export const logAndContinue: ErrorHandler = () => 'continue';
