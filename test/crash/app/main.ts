// The crash test's application in a process of its own. Options come as JSON in the environment; orders to die by lines
// on stdin, `arm <failpoint> <pass>`; states, warnings and errors go to stdout, a line each.
import { createInterface } from 'node:readline';
import { KafkaStreams, type KafkaStreamsOptions, type Logger } from '../../../src/index.ts';
import { Killer } from './killer.ts';
import { shop, type ShopTopics } from './shop.ts';

/** What `AppProcess` starts this program with. */
export interface AppOptions {
  readonly topics: ShopTopics;
  readonly config: KafkaStreamsOptions;
  /** As `arm` takes it; empty for none. */
  readonly armed: string;
}

const { topics, config, armed } = JSON.parse(process.env['CRASH_APP'] ?? '{}') as AppOptions;
const killer = new Killer();
if (armed !== '') killer.arm(armed);

function print(level: string): (fields: object, message: string) => void {
  return (fields, message) => {
    const shown = JSON.stringify(fields, (_, value: unknown) =>
      value instanceof Error
        ? { message: value.message, code: (value as { code?: unknown }).code }
        : value,
    );
    process.stdout.write(`${level} ${new Date().toISOString()} ${message} ${shown}\n`);
  };
}
const logger: Logger = {
  debug: () => undefined,
  info: print('INFO'),
  warn: print('WARN'),
  error: print('ERROR'),
};

const streams = new KafkaStreams(
  shop(topics),
  {
    ...config,
    logger,
    deserializationExceptionHandler: () => ({ deadLetter: topics.dead }),
  },
  { failpoints: killer },
);
streams.onStateChange((state) => {
  process.stdout.write(`STATE ${state}\n`);
});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (line.startsWith('arm ')) killer.arm(line.slice(4));
});
process.once('SIGTERM', () => {
  lines.close();
  process.stdin.destroy();
  void streams.close({ leaveGroup: true }); // a static member too: the run is over
});
await streams.start();
