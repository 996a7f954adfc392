import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Launch } from './measure.ts';
import type { Session } from './session.ts';

/** Beside bench/, also when this file runs from bench/build. */
const PROJECT = fileURLToPath(new URL('../../kafka-streams/', import.meta.url));
const BUILD_TIMEOUT_MS = 600_000;
const HEAP = '-Xmx1g';

/** The Java program of the same workloads; built with Maven the first time. */
export async function kafkaStreams(session: Session): Promise<Launch> {
  const target = path.join(PROJECT, 'target');
  if (!existsSync(path.join(target, 'bench.jar'))) {
    await session.run('mvn', ['-q', '-B', '-f', path.join(PROJECT, 'pom.xml'), 'package'], {
      timeoutMs: BUILD_TIMEOUT_MS,
    });
  }
  const classPath = [path.join(target, 'bench.jar'), path.join(target, 'lib', '*')].join(':');
  return ['java', HEAP, '-cp', classPath, 'millrace.bench.Main'];
}
