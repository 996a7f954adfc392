import type { StreamsError } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { UncaughtExceptionHandler, UncaughtExceptionResponse } from './streams-config.ts';

const RESPONSES: readonly UncaughtExceptionResponse[] = [
  'replaceThread',
  'shutdownClient',
  'shutdownApplication',
];

/** Asks the user's handler what an error does to the instance. One that throws, or answers nothing known, shuts it down. */
export function askUncaughtHandler(
  handler: UncaughtExceptionHandler,
  error: StreamsError,
  logger: Logger,
): UncaughtExceptionResponse {
  // Another instance has asked all of them to stop: there is nothing to decide.
  if (error.code === 'STREAMS_STOPPED') return 'shutdownClient';
  try {
    const response: unknown = handler(error); // JavaScript may answer anything
    const known = RESPONSES.find((name) => name === response);
    if (known !== undefined) return known;
    logger.error(
      { response: String(response) },
      'the uncaught-exception handler must return one of its three answers, and no promise: shutting down',
    );
  } catch (thrown) {
    logger.error({ err: thrown }, 'the uncaught-exception handler threw: shutting down');
  }
  return 'shutdownClient';
}
