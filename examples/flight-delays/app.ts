import { KafkaStreams } from 'millrace';
import { flightDelays } from './topology.ts';

const { BROKERS = 'localhost:9092', INSTANCE = 'flight-delays-1', STATE_DIR, PREFIX } = process.env;

const streams = new KafkaStreams(flightDelays({ prefix: PREFIX ?? '' }), {
  applicationId: `${PREFIX ?? ''}flight-delays`,
  brokers: BROKERS.split(','),
  processingGuarantee: 'exactly_once_v2',
  // A static member: after a crash it gets its tasks, and the state on its disk, back at once.
  groupInstanceId: INSTANCE,
  stateDir: STATE_DIR ?? null,
});

process.once('SIGTERM', () => void streams.close());
await streams.start();
