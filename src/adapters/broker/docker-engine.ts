import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type * as Testcontainers from 'testcontainers';
import type { BrokerPlan } from './broker-plan.ts';

/** A Docker engine that has answered and has the image of one Kafka version. */
export interface DockerEngine {
  readonly testcontainers: typeof Testcontainers;
  readonly client: Testcontainers.ContainerRuntimeClient;
  readonly image: string;
}

/** The engine with the image of this version, or why there is none. */
export async function findDocker(plan: BrokerPlan): Promise<DockerEngine | string> {
  const { version, signal, fetchTimeoutMs, onProgress } = plan;
  // Loading testcontainers takes most of a second: not where no engine can answer.
  if (!mayHaveEngine()) return 'no engine: DOCKER_HOST is not set and there is no docker.sock';
  const testcontainers = await import('testcontainers').catch(() => undefined);
  if (testcontainers === undefined)
    return 'testcontainers is not installed (npm i -D testcontainers@11)';
  const client = await testcontainers.getContainerRuntimeClient().catch(() => undefined);
  if (client === undefined) return 'no engine answers';

  const image = `apache/kafka:${version}`;
  const name = testcontainers.ImageName.fromString(image);
  if (!(await client.image.exists(name))) {
    onProgress(`pulling ${image}; this happens once`);
    const timeout = AbortSignal.timeout(fetchTimeoutMs);
    const failure = await orAbort(client.image.pull(name), signal, timeout).catch(String);
    signal?.throwIfAborted();
    if (failure !== undefined) return `cannot pull ${image}: ${failure}`;
  }
  return { testcontainers, client, image };
}

function mayHaveEngine(): boolean {
  if (process.env['DOCKER_HOST'] !== undefined || process.platform === 'win32') return true;
  const runtimeFolder = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`;
  return [
    '/var/run/docker.sock',
    join(runtimeFolder, 'docker.sock'),
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(homedir(), '.testcontainers.properties'), // names an engine elsewhere
  ].some((path) => existsSync(path));
}

function orAbort(promise: Promise<void>, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  const given = signals.filter((signal) => signal !== undefined);
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      const any = AbortSignal.any(given);
      any.addEventListener('abort', () => {
        reject(any.reason as Error); // AbortSignal.timeout gives an Error, and a user is asked for one
      });
    }),
  ]);
}
