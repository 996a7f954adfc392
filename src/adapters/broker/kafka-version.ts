import { StreamsError } from '../../common/errors.ts';

/** The version of docker/kafka/pom.xml. */
export const CURRENT_VERSION = '4.3.1';

const LINES: Readonly<Record<string, string>> = {
  '4': CURRENT_VERSION,
  '4.3': CURRENT_VERSION,
  '3.9': '3.9.1',
};

/**
 * The exact version for what a user may write: `4.2.0` as it is, a line of versions (`4`, `4.3`,
 * `3.9`) as the one that we test.
 *
 * Errors: `STREAMS_CONFIG` for anything else and for versions before 3.9.
 */
export function resolveVersion(requested = process.env['MILLRACE_KAFKA_VERSION']): string {
  if (requested === undefined || requested === '') return CURRENT_VERSION;
  const version = LINES[requested] ?? requested;
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
  const isSupported = Number(major) >= 4 || (Number(major) === 3 && Number(minor) >= 9);
  if (isSupported) return version;
  throw new StreamsError(
    'STREAMS_CONFIG',
    `no Kafka version "${requested}" for a broker: name one exactly (${CURRENT_VERSION}; 3.9.0 or newer), or one of ${Object.keys(LINES).join(', ')}`,
    { site: { option: 'version' } },
  );
}

/** Before 4.0 there is no feature `transaction.version`: such a broker speaks transaction protocol 1 only. */
export function hasTransactionVersion(version: string): boolean {
  return !version.startsWith('3.');
}
