import { isStreamsError, StreamsError } from '../../common/errors.ts';
import { planBroker, type BrokerPlan } from './broker-plan.ts';
import { findDocker } from './docker-engine.ts';
import { startDockerKafka } from './docker-kafka.ts';
import { environmentBrokers, EnvironmentKafka } from './environment-kafka.ts';
import { startJavaKafka } from './java-kafka.ts';
import { findJava } from './java-runtime.ts';
import { JavaTools } from './java-tools.ts';
import type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts';
import { fetchKafkaJars } from './kafka-jars.ts';

/** Starts the embedded broker; who composes the package knows how. */
export type EmbeddedStarter = (plan: BrokerPlan) => Promise<KafkaBroker>;

/**
 * Gets a Kafka cluster: the one that KAFKA_BROKERS names; else a new one in Docker, where an engine
 * answers and testcontainers is installed; else a new one in JVMs of this machine, from jars that
 * Maven fetches once; else, with `mayEmbed`, the embedded broker.
 *
 * Errors: `STREAMS_CONFIG` for a wrong option, for a broker that does not start (with the end of its
 * log), and, when none of the three is there, with what to install. The reason of `signal` after an
 * abort. Nothing is left running in any of these cases.
 */
export async function startKafka(
  options: StartKafkaOptions = {},
  startEmbedded?: EmbeddedStarter,
): Promise<KafkaBroker> {
  const plan = planBroker(options);
  const { source, mayEmbed = false } = options;
  plan.signal?.throwIfAborted();
  if (source === 'embedded' && startEmbedded !== undefined) return startEmbedded(plan);

  const mayBeGiven = source === undefined || source === 'environment';
  const brokers = mayBeGiven ? environmentBrokers() : undefined;
  if (brokers !== undefined) return new EnvironmentKafka(brokers, plan, () => findTools(plan));
  if (source === 'environment') {
    const site = { option: 'source' };
    throw new StreamsError('STREAMS_CONFIG', 'KAFKA_BROKERS is not set', { site });
  }

  const missing: string[] = [];
  if (source !== 'java') {
    const docker = await findDocker(plan);
    if (typeof docker !== 'string') return startDockerKafka(plan, docker);
    missing.push(`Docker: ${docker}`);
  }
  if (source !== 'docker') {
    const tools = await findTools(plan).catch((error: unknown) => {
      if (!isStreamsError(error, 'STREAMS_CONFIG')) throw error;
      missing.push(`Java: ${error.message}`);
    });
    if (tools !== undefined) return startJavaKafka(plan, tools);
  }
  if (mayEmbed && (source === undefined || source === 'own') && startEmbedded !== undefined) {
    return startEmbedded(plan);
  }
  throw new StreamsError(
    'STREAMS_CONFIG',
    `no Kafka broker can be started here. Install Docker (and npm i -D testcontainers@11), or Java 17 or newer with Maven, or set KAFKA_BROKERS=host:port of a running cluster.\n  ${missing.join('\n  ')}`,
  );
}

async function findTools({
  version,
  fetchTimeoutMs,
  signal,
  onProgress,
}: BrokerPlan): Promise<JavaTools> {
  const runtime = await findJava(signal);
  const jars = await fetchKafkaJars({ version, timeoutMs: fetchTimeoutMs, signal, onProgress });
  return new JavaTools(runtime, jars);
}
