// The counting application as a program: options come as JSON in the environment; it prints its states.
import { KafkaStreams } from '../../src/index.ts';
import { countingTopology, type CountingProcess } from './counting-app.ts';

const { topology, config } = JSON.parse(process.env['COUNTING_APP'] ?? '{}') as CountingProcess;
const streams = new KafkaStreams(countingTopology(topology), config);
streams.onStateChange((state) => {
  process.stdout.write(`${state}\n`);
});
process.once('SIGTERM', () => void streams.close());
await streams.start();
