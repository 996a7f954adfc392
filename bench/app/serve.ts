import { KafkaStreams } from 'millrace';
import { streamsOptions, type AppArguments } from './options.ts';
import { Probe } from './probe.ts';
import { topologyOf } from './topologies.ts';

/**
 * W6 (c) and (e): runs until SIGTERM, and tells a driver what happens, with the wall clock in ms:
 *
 *     EVENT STARTED <ms> 0 0
 *     EVENT RUNNING <ms> <active tasks> <restored so far>     each time it runs with all its tasks
 *     EVENT RESTORED <ms> 0 <restored so far>                 each time a store has been restored
 *
 * Other states are told as RUNNING is, with no tasks.
 */
export async function serve(args: AppArguments): Promise<void> {
  const { workload, applicationId, liveOnly } = args;
  const probe = new Probe(Infinity);
  const topology = topologyOf(workload, { applicationId, cached: false, liveOnly, probe });
  const streams = new KafkaStreams(topology, streamsOptions(args));
  let restored = 0;
  const tell = (name: string, tasks: number): void => {
    process.stdout.write(`EVENT ${name} ${Date.now()} ${tasks} ${restored}\n`);
  };
  streams.onRestore({
    end: (event) => {
      restored += event.restoredRecords;
      tell('RESTORED', 0);
    },
  });
  streams.onStateChange((state) => {
    tell(state, state === 'RUNNING' ? activeTasks(streams) : 0);
  });
  process.once('SIGTERM', () => void streams.close());
  tell('STARTED', 0);
  await streams.start();
}

/** Tasks opened and not closed. */
function activeTasks(streams: KafkaStreams): number {
  const total = (name: string): number =>
    streams
      .metrics()
      .snapshot()
      .filter((sample) => sample.name === name)
      .reduce((sum, { value }) => sum + value, 0);
  return total('task-created-total') - total('task-closed-total');
}
