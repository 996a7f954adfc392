import { startKafka, type KafkaBroker } from '../../src/testing.ts';
import { TEST_BROKERS } from './broker.ts';

let broker: KafkaBroker | undefined;

/** Starts the broker of a test run and tells the workers through the environment. */
export async function startRunBroker(): Promise<void> {
  const onProgress = (message: string): void => {
    process.stderr.write(`broker: ${message}\n`);
  };
  broker = await startKafka({ onProgress });
  process.env[TEST_BROKERS] = broker.brokers.join(',');
}

export async function stopRunBroker(): Promise<void> {
  await broker?.stop();
  broker = undefined;
}
