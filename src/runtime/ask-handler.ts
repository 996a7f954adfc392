import { StreamsError } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type {
  ErrorHandler,
  ErrorHandlerContext,
  ErrorHandlerResponse,
} from '../processor/error-handlers.ts';

export interface AskedHandler {
  /** The option it was given by. */
  readonly option:
    'deserializationExceptionHandler' | 'processingExceptionHandler' | 'productionExceptionHandler';
  readonly handler: ErrorHandler;
}

/**
 * Asks a handler of the user's, who decides what becomes of a failed record. A handler that throws has said `'fail'`.
 *
 * Errors: `STREAMS_CONFIG` for an answer that is none, such as a promise.
 */
export function askHandler(
  { option, handler }: AskedHandler,
  context: ErrorHandlerContext,
  error: StreamsError,
  logger: Logger,
): ErrorHandlerResponse {
  let response: unknown;
  try {
    response = handler(context, error);
  } catch (thrown) {
    logger.error({ err: thrown, option }, 'an error handler threw, which counts as fail');
    return 'fail';
  }
  if (isResponse(response)) return response;
  throw new StreamsError(
    'STREAMS_CONFIG',
    `the handler returned ${describe(response)}: it must return 'fail', 'continue', 'retry' or { deadLetter: topic }, and ` +
      'not a promise',
    { site: { option }, cause: error },
  );
}

function isResponse(response: unknown): response is ErrorHandlerResponse {
  if (response === 'fail' || response === 'continue' || response === 'retry') return true;
  if (typeof response !== 'object' || response === null || !('deadLetter' in response))
    return false;
  return typeof response.deadLetter === 'string';
}

function describe(response: unknown): string {
  return response instanceof Promise ? 'a promise' : String(response);
}
