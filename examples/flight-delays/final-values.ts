import type { KafkaBroker } from 'millrace/testing';
import type { AirportDay } from './topology.ts';

/**
 * The last committed value of each key of a topic, read by Kafka's own console consumer, so that nothing of Millrace
 * stands between the broker and the judge.
 */
export async function finalValues(
  broker: KafkaBroker,
  topic: string,
): Promise<ReadonlyMap<string, AirportDay>> {
  const { stdout, stderr, exitCode } = await broker.tool(
    'kafka-console-consumer',
    ...['--topic', topic, '--from-beginning', '--isolation-level', 'read_committed'],
    ...['--property', 'print.key=true', '--property', 'key.separator=|'],
    ...['--timeout-ms', '3000'],
  );
  if (exitCode !== 0) throw new Error(`kafka-console-consumer failed:\n${stderr}`);
  const values = new Map<string, AirportDay>();
  for (const line of stdout.split('\n')) {
    const bar = line.indexOf('|');
    if (bar > 0) values.set(line.slice(0, bar), JSON.parse(line.slice(bar + 1)) as AirportDay); // the judge looks at every field;
  }
  return values;
}
