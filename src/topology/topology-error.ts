import { StreamsError, type ErrorSite } from '../common/errors.ts';

/** The error of everything that is wrong with a topology; the message says what to do. */
export function topologyError(message: string, site: ErrorSite = {}): StreamsError {
  return new StreamsError('STREAMS_TOPOLOGY', message, { site });
}

const MAX_NAME_LENGTH = 249;

/**
 * Checks a name that becomes part of a topic's name: a node's, a store's, a repartition's.
 *
 * Errors: `STREAMS_TOPOLOGY`. Source: `org.apache.kafka.streams.kstream.Named`.
 */
export function checkName(name: string, what: string): void {
  if (name === '' || name === '.' || name === '..') {
    throw topologyError(`'${name}' cannot be ${what}`);
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw topologyError(
      `${what} '${name.slice(0, 40)}…' has ${name.length} characters; ${MAX_NAME_LENGTH} are allowed`,
    );
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    throw topologyError(`${what} '${name}' may have letters, digits, '.', '_' and '-' only`);
  }
}
