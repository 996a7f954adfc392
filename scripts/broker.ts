/**
 * Runs a Kafka broker for development until Ctrl-C:
 *
 *     npm run broker -- --version 3.9 --nodes 3
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startKafka } from '../src/testing.ts';

const { values } = parseArgs({
  options: {
    version: { type: 'string' },
    nodes: { type: 'string', default: '1' },
  },
});

const interrupted = new AbortController();
const interruption = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => {
  interrupted.abort();
});

try {
  const broker = await startKafka({
    ...(values.version === undefined ? {} : { version: values.version }),
    nodes: Number(values.nodes) as 1 | 3, // startKafka refuses another
    signal: interrupted.signal,
    onProgress: (message) => {
      console.log(message);
    },
  });
  console.log(`Kafka ${broker.version} (${broker.source}) at ${broker.brokers.join(',')}`);
  console.log('Ctrl-C ends it and removes its data.');
  const alive = setInterval(() => undefined, 60_000); // the broker itself keeps nobody alive
  await interruption;
  clearInterval(alive);
  await broker.stop();
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
}
