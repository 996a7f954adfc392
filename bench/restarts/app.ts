import { KafkaStreams, serdes, StreamsBuilder } from 'millrace';
import type { Start } from './start.ts';

/**
 * One instance of the application whose restarts are measured, in a process of its own: counts the records of each key
 * and gives out each count, exactly once. Prints `RUNNING <ms>` once, the time from `start()`.
 */
async function main({ brokers, stateDir, instanceId, names }: Start): Promise<void> {
  const builder = new StreamsBuilder();
  builder
    .stream(names.input, { key: serdes.string, value: serdes.string })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to(names.output, { key: serdes.string, value: serdes.long });
  const streams = new KafkaStreams(builder.build(), {
    applicationId: names.application,
    brokers,
    stateDir,
    processingGuarantee: 'exactly_once_v2',
    statestoreCacheMaxBytes: 0,
    groupInstanceId: instanceId,
    sessionTimeoutMs: names.sessionTimeoutMs,
    heartbeatIntervalMs: names.sessionTimeoutMs / 10,
    transactionTimeoutMs: names.transactionTimeoutMs,
  });
  process.once('SIGTERM', () => void streams.close());
  const startMs = performance.now();
  await streams.start();
  console.log(`RUNNING ${performance.now() - startMs}`);
}

await main(JSON.parse(process.argv[2] ?? '') as Start); // written by `Instance`
