import {
  isStreamsError,
  StreamsError,
  type ErrorCode,
  type ErrorSite,
} from '../../common/errors.ts';
import { errorCode } from '../node/error-code.ts';

/** LevelDB's own code is in the error, or in its cause where a database did not open. */
function levelCode(error: unknown): string {
  const isObject = typeof error === 'object' && error !== null;
  const inner = isObject && 'cause' in error ? levelCode(error.cause) : '';
  return inner === '' ? errorCode(error) : inner;
}

/** What LevelDB threw as an error of ours; one that is ours already stays as it is. */
export function asStateError(error: unknown, message: string, site: ErrorSite): StreamsError {
  if (isStreamsError(error)) return error;
  const [code, advice] = meaning(levelCode(error));
  return new StreamsError(code, `${message}: ${advice}`, { site, cause: error });
}

function meaning(code: string): readonly [ErrorCode, string] {
  switch (code) {
    case 'LEVEL_LOCKED':
      return [
        'STREAMS_STATE_LOCKED',
        'another process has it open; give each process a stateDir of its own',
      ];
    case 'LEVEL_CORRUPTION':
      return ['STREAMS_STATE_CORRUPT', 'it is damaged, and is rebuilt from its changelogs'];
    default:
      return [
        'STREAMS_STATE_IO',
        'see the cause; check that the disk has room and that the folder is readable and writable',
      ];
  }
}
