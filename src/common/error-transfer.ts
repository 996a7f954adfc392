import { isStreamsError, StreamsError, type ErrorCode, type ErrorSite } from './errors.ts';

/** An error as data, so that it can cross to another thread. */
export interface TransferredError {
  readonly message: string;
  readonly stack: string | null;
  /** Null: not one of ours. */
  readonly code: ErrorCode | null;
  readonly site: ErrorSite;
  readonly cause: TransferredError | null;
}

/** Causes beyond this are left behind: a chain may be a circle. */
const MAX_CAUSES = 8;

/** What is no error crosses as one with its text. */
export function transferError(error: unknown, maxCauses = MAX_CAUSES): TransferredError {
  if (!(error instanceof Error)) {
    return { message: String(error), stack: null, code: null, site: {}, cause: null };
  }
  const { message, stack = null, cause } = error;
  const known = isStreamsError(error);
  return {
    message: known ? error.plainMessage : message,
    stack,
    code: known ? error.code : null,
    site: known ? error.site : {},
    cause: cause === undefined || maxCauses === 0 ? null : transferError(cause, maxCauses - 1),
  };
}

/** The error again, with the stack of the thread it comes from. */
export function receiveError(error: TransferredError): Error {
  const { message, stack, code, site, cause } = error;
  const options = cause === null ? {} : { cause: receiveError(cause) };
  const received =
    code === null
      ? new Error(message, options)
      : new StreamsError(code, message, { site, ...options });
  if (stack !== null) received.stack = stack;
  return received;
}
