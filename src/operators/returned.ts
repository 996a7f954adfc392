import { StreamsError } from '../common/errors.ts';

/**
 * What a user's function returned, where it must return a value. Checked for every record, since either mistake would
 * show far away: a forgotten `return` as a missing field, an async function as a record that holds a promise.
 *
 * Errors: `STREAMS_PROCESSING`; the node that calls adds where.
 */
export function returned<T>(value: T, fn: string): T {
  if (value === undefined) {
    throw new StreamsError(
      'STREAMS_PROCESSING',
      `the ${fn} returned undefined: did you forget \`return\`? null means no value`,
    );
  }
  notPromised(value, fn);
  return value;
}

/** For functions whose result means nothing. */
export function notPromised(value: unknown, fn: string): void {
  if (typeof value !== 'object' || value === null) return;
  // Any thenable, not only a Promise: query builders are some.
  if (typeof (value as { then?: unknown }).then !== 'function') return;
  throw new StreamsError(
    'STREAMS_PROCESSING',
    `the ${fn} returned a promise: functions of the DSL are synchronous, put work that waits into process() ` +
      'with an async Processor',
  );
}
