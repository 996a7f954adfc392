import { planBroker } from './broker-plan.ts';
import { startJavaKafka } from './java-kafka.ts';
import { findJava } from './java-runtime.ts';
import { JavaTools } from './java-tools.ts';
import type { KafkaBroker, StartKafkaOptions } from './kafka-broker.ts';
import { fetchKafkaJars } from './kafka-jars.ts';

export async function startKafka(options: StartKafkaOptions = {}): Promise<KafkaBroker> {
  const plan = planBroker(options);
  const { version, signal, onProgress, fetchTimeoutMs } = plan;
  const runtime = await findJava(signal);
  const jars = await fetchKafkaJars({ version, timeoutMs: fetchTimeoutMs, signal, onProgress });
  return startJavaKafka(plan, new JavaTools(runtime, jars));
}
