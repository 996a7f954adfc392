import { isStreamsError } from 'millrace';
import type { KafkaBroker } from 'millrace/testing';
import type { Cluster } from './cluster.ts';
import type { AirportDay } from './topology.ts';

/** The console consumer ends when nothing has come for this long. */
const IDLE_MS = '3000';

/**
 * The last committed value of each key of a topic, read by Kafka's own console consumer, so that nothing of Millrace
 * stands between the broker and the judge. Where Kafka's tools cannot run (a cluster in `KAFKA_BROKERS` and no Java on
 * this machine) Millrace's client reads, and the demo says so.
 */
export async function finalValues(
  broker: KafkaBroker,
  cluster: Cluster,
  topic: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, AirportDay>> {
  const values = new Map<string, AirportDay>();
  const add = (key: string, json: string): void => {
    values.set(key, JSON.parse(json) as AirportDay); // the judge looks at every field
  };
  try {
    await readWithKafka(broker, topic, add);
  } catch (error) {
    if (!isStreamsError(error, 'STREAMS_CONFIG')) throw error;
    console.log(`  no Java for Kafka's own consumer: Millrace's reads ${topic} for the judge`);
    await cluster.readCommitted(topic, add, signal);
  }
  return values;
}

async function readWithKafka(
  broker: KafkaBroker,
  topic: string,
  onRecord: (key: string, value: string) => void,
): Promise<void> {
  const { stdout, stderr, exitCode } = await broker.tool(
    'kafka-console-consumer',
    ...['--topic', topic, '--from-beginning', '--timeout-ms', IDLE_MS],
    ...['--isolation-level', 'read_committed'],
    ...['--property', 'print.key=true', '--property', 'key.separator=|'],
  );
  if (exitCode !== 0) throw new Error(`kafka-console-consumer failed:\n${stderr}`);
  for (const line of stdout.split('\n')) {
    const bar = line.indexOf('|');
    if (bar > 0) onRecord(line.slice(0, bar), line.slice(bar + 1));
  }
}
