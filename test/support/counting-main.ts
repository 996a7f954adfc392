// The counting application as a program: options come as JSON in the environment; it prints its states,
// and to stderr the codes of the errors that it logs.
import { isStreamsError, KafkaStreams } from '../../src/index.ts';
import { countingTopology, type CountingProcess } from './counting-app.ts';

const { topology, config } = JSON.parse(process.env['COUNTING_APP'] ?? '{}') as CountingProcess;
const quiet = (): void => undefined;
const complain = (fields: object): void => {
  if ('err' in fields && isStreamsError(fields.err)) process.stderr.write(`${fields.err.code}\n`);
};
const logger = { debug: quiet, info: quiet, warn: complain, error: complain };
const streams = new KafkaStreams(countingTopology(topology), { ...config, logger });
streams.onStateChange((state) => {
  process.stdout.write(`${state}\n`);
  if (state === 'ERROR') process.stderr.write(`ERROR ${streams.error?.code ?? ''}\n`);
});
process.once('SIGTERM', () => void streams.close());
await streams.start();
