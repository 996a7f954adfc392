import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchKafkaJars } from '../../../src/adapters/broker/kafka-jars.ts';
import { findJava } from '../../../src/adapters/broker/java-runtime.ts';

const DUMP = join(process.cwd(), 'test/crash/judge/Dump.java');
const FETCH_TIMEOUT_MS = 600_000;
const JVM_OPTIONS = ['-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** Runs `Dump.java` on the jars of a version of Kafka; what it prints goes to a file. Throws what it complains of. */
export async function runDump(
  version: string,
  outputFile: string,
  ...args: readonly string[]
): Promise<void> {
  const { java } = await findJava();
  const { classPath, log4jFile } = await fetchKafkaJars({
    version,
    timeoutMs: FETCH_TIMEOUT_MS,
    onProgress: () => undefined,
  });
  const output = await open(outputFile, 'w');
  try {
    const child = spawn(
      java,
      [...JVM_OPTIONS, `-Dlog4j2.configurationFile=${log4jFile}`, '-cp', classPath, DUMP, ...args],
      { stdio: ['ignore', output.fd, 'pipe'] },
    );
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
