import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchKafkaJars } from '../../../src/adapters/broker/kafka-jars.ts';
import { findJava } from '../../../src/adapters/broker/java-runtime.ts';

const DUMP = join(process.cwd(), 'test/crash/judge/Dump.java');
const FETCH_TIMEOUT_MS = 600_000;
/**
 * For a machine with Docker and no Java: Maven's image brings a JDK, and the jars stay in a volume. The container sees
 * the broker through the host's network. Not verified: there was no Docker engine where this was written.
 */
const JAVA_IMAGE = 'maven:3.9-eclipse-temurin-17';
const IN_CONTAINER = `
jars="/jars/$1"
test -d "$jars" || {
  mvn -q -B -f docker/kafka/pom.xml -Dkafka.version="$1" \\
    dependency:copy-dependencies -DoutputDirectory="$jars.part" >&2
  mv "$jars.part" "$jars"
}
shift
exec java -Xmx768m -cp "$jars/*" test/crash/judge/Dump.java "$@"`;
const JVM_OPTIONS = ['-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** Runs `Dump.java` on the jars of a version of Kafka; what it prints goes to a file. Throws what it complains of. */
export async function runDump(
  version: string,
  outputFile: string,
  ...args: readonly string[]
): Promise<void> {
  const [program, ...launch] = await launchOf(version);
  const output = await open(outputFile, 'w');
  try {
    const child = spawn(program, [...launch, ...args], { stdio: ['ignore', output.fd, 'pipe'] });
    let complaints = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`Dump.java ended with ${code ?? 'a signal'}: ${complaints}`);
  } finally {
    await output.close();
  }
}

/** The command line of the program, up to its own arguments. */
async function launchOf(version: string): Promise<readonly [program: string, ...string[]]> {
  const runtime = await findJava().catch(() => null);
  if (runtime === null) {
    const mounts = ['-v', `${process.cwd()}:/repository:ro`, '-v', 'millrace-jars:/jars'];
    const container = ['run', '--rm', '--network', 'host', ...mounts, '-w', '/repository'];
    return ['docker', ...container, JAVA_IMAGE, 'sh', '-ec', IN_CONTAINER, 'dump', version];
  }
  const { classPath, log4jFile } = await fetchKafkaJars({
    version,
    timeoutMs: FETCH_TIMEOUT_MS,
    onProgress: () => undefined,
  });
  const logging = `-Dlog4j2.configurationFile=${log4jFile}`;
  return [runtime.java, ...JVM_OPTIONS, logging, '-cp', classPath, DUMP];
}
