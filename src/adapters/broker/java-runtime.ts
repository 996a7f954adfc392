import { join } from 'node:path';
import { StreamsError } from '../../common/errors.ts';
import { runCommand } from './run-command.ts';

const OLDEST_JAVA = 17;

/** A Java that can run Kafka. */
export interface JavaRuntime {
  readonly java: string;
  readonly keytool: string;
}

/**
 * The Java of JAVA_HOME, or the one on the path.
 *
 * Errors: `STREAMS_CONFIG` if there is none or it is older than 17.
 */
export async function findJava(signal?: AbortSignal): Promise<JavaRuntime> {
  const javaHome = process.env['JAVA_HOME'];
  const command = javaHome === undefined ? 'java' : join(javaHome, 'bin', 'java');
  const settings = await runCommand(command, ['-XshowSettings:properties', '-version'], {
    what: 'java',
    timeoutMs: 30_000,
    signal,
  });
  if (settings.exitCode !== 0) {
    throw new StreamsError('STREAMS_CONFIG', `no Java: ${command} does not run`);
  }
  const release = /java\.specification\.version = (\d+)/.exec(settings.stderr)?.[1];
  const home = /java\.home = (.+)/.exec(settings.stderr)?.[1];
  if (release === undefined || home === undefined || Number(release) < OLDEST_JAVA) {
    const found = release === undefined ? 'an unknown version' : `Java ${release}`;
    throw new StreamsError(
      'STREAMS_CONFIG',
      `${command} is ${found}, older than Java ${OLDEST_JAVA}`,
    );
  }
  return { java: join(home, 'bin', 'java'), keytool: join(home, 'bin', 'keytool') };
}
