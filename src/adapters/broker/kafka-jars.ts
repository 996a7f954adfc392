import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StreamsError } from '../../common/errors.ts';
import { Guardian } from './guardian.ts';
import { KAFKA_POM } from './kafka-pom.ts';
import { runCommand } from './run-command.ts';

/** How Kafka logs here: the broker into its log, its tools into stderr and only what is wrong. */
const LOG4J = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %-5p %c{1}: %m%n%throwable
rootLogger.level=\${sys:millrace.level:-warn}
rootLogger.appenderRef.out.ref=out
logger.configs.name=org.apache.kafka.common.config.AbstractConfig
logger.configs.level=warn
logger.logs.name=org.apache.kafka.storage.internals.log
logger.logs.level=warn
logger.scalalogs.name=kafka.log
logger.scalalogs.level=warn
logger.states.name=state.change.logger
logger.states.level=warn
`;

/** One version of Apache Kafka as a class path. */
export interface KafkaJars {
  readonly version: string;
  readonly classPath: string;
  readonly log4jFile: string;
}

export interface FetchKafkaJarsOptions {
  readonly version: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (message: string) => void;
}

/**
 * The jars of a version, from the cache folder (MILLRACE_CACHE, else ~/.cache/millrace), fetched
 * with Maven the first time.
 *
 * The folder appears by one rename when it is complete, so it is whole or absent, and processes
 * that fetch at the same time take the one that was first. Its name carries a hash of what we put
 * in: a release of this package with another pom fetches again.
 *
 * Errors: `STREAMS_CONFIG` if Maven is missing or cannot fetch this version.
 */
export async function fetchKafkaJars(options: FetchKafkaJarsOptions): Promise<KafkaJars> {
  const { version } = options;
  const cache = process.env['MILLRACE_CACHE'] ?? join(homedir(), '.cache', 'millrace');
  const parent = join(cache, 'kafka');
  const hash = createHash('sha256').update(KAFKA_POM).update(LOG4J).digest('hex').slice(0, 8);
  const folder = join(parent, `${version}-${hash}`);
  if (!(await exists(folder))) await fetchInto(parent, folder, options);

  const files = (await readdir(folder)).filter((name) => name.endsWith('.jar')).sort();
  return {
    version,
    classPath: files.map((name) => join(folder, name)).join(':'),
    log4jFile: join(folder, 'log4j2.properties'),
  };
}

async function fetchInto(
  parent: string,
  folder: string,
  { version, timeoutMs, signal, onProgress }: FetchKafkaJarsOptions,
): Promise<void> {
  onProgress(`fetching Apache Kafka ${version} with Maven; this happens once`);
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, `fetching-${version}-`));
  const guardian = new Guardian(draft); // removes the draft if we end in the middle
  try {
    const pom = join(draft, 'pom.xml');
    await writeFile(pom, KAFKA_POM);
    await writeFile(join(draft, 'log4j2.properties'), LOG4J);
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${draft}`];
    const args = ['-q', '-B', '-f', pom, `-Dkafka.version=${version}`, ...goal];
    const maven = await runCommand('mvn', args, { what: 'Maven', timeoutMs, signal, guardian });
    if (maven.exitCode !== 0) {
      const reason =
        maven.exitCode === 127
          ? 'Maven (mvn) is not installed'
          : `Maven could not fetch Apache Kafka ${version}`;
      const output = `${maven.stdout}${maven.stderr}`.trim().split('\n').slice(0, 10).join('\n');
      throw new StreamsError('STREAMS_CONFIG', `${reason}: ${output}`, { site: { folder } });
    }
    await rename(draft, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error; // another process was first
    });
  } finally {
    await guardian.close();
  }
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
