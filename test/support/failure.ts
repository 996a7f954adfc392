import { isStreamsError } from '../../src/common/errors.ts';

/** What a call throws, as `CODE: message (site)`, so that a test can match all three at once. */
export function failure(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isStreamsError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}
