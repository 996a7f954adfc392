import type { KafkaBroker } from 'millrace/testing';

interface LogDirs {
  readonly brokers: readonly {
    readonly logDirs: readonly {
      readonly partitions: readonly { readonly partition: string; readonly size: number }[];
    }[];
  }[];
}

/** What the topics with this prefix take on the brokers' disks, summed by the end of their names. */
export async function topicBytes(
  broker: KafkaBroker,
  prefix: string,
): Promise<(suffix: string) => number> {
  const { stdout } = await broker.tool('kafka-log-dirs', '--describe');
  const json = stdout.split('\n').find((line) => line.startsWith('{'));
  if (json === undefined) throw new Error(`kafka-log-dirs printed no JSON: ${stdout}`);
  const { brokers } = JSON.parse(json) as LogDirs; // as Kafka's tool prints it
  const logs = brokers
    .flatMap(({ logDirs }) => logDirs)
    .flatMap(({ partitions }) => partitions)
    .map(({ partition, size }) => ({ topic: partition.replace(/-\d+$/, ''), size }))
    .filter(({ topic }) => topic.startsWith(prefix));
  return (suffix) =>
    logs.reduce((total, { topic, size }) => total + (topic.endsWith(suffix) ? size : 0), 0);
}
