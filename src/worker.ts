import { importModule } from './worker-url.js';
import { LevelStateDirectory } from './adapters/level/level-state-directory.ts';
import { systemTimers } from './adapters/node/clock.ts';
import { thisWorker } from './adapters/node/worker-threads.ts';
import { checkCluster } from './client/cluster-requirements.ts';
import { receiveError, type TransferredError } from './common/error-transfer.ts';
import { isStreamsError, StreamsError } from './common/errors.ts';
import {
  folderOptions,
  instancePorts,
  splitOptions,
  threadTags,
  type KafkaStreamsOptions,
} from './instance-ports.ts';
import { MetricsRegistry } from './observability/metrics-registry.ts';
import { isExactlyOnce } from './runtime/instance-context.ts';
import { askUncaughtHandler } from './runtime/ask-uncaught-handler.ts';
import type { InstanceHooks, RunningInstance } from './runtime/running-instance.ts';
import { SharedStateDirectory, type TaskGuard } from './runtime/shared-state-directory.ts';
import { parseStreamsConfig, shareOfThread } from './runtime/streams-config.ts';
import { StreamsInstance } from './runtime/streams-instance.ts';
import { WorkerHost } from './runtime/worker-host.ts';
import { forwardingLogger } from './runtime/worker-logger.ts';
import { checkExplicitNames } from './topology/explicit-names.ts';
import { readTopologyModule } from './topology-module.ts';

// What a worker thread of `threads: n` runs: one instance, as the pool in the main thread says.

const { start, port, release } = thisWorker();
const metrics = new MetricsRegistry();
let onUncaught: InstanceHooks['onUncaught'] = () => 'shutdownClient';

async function open(
  hooks: InstanceHooks,
  guard: TaskGuard,
  signal: AbortSignal,
): Promise<RunningInstance> {
  const module = readTopologyModule(await loadModule(start.module), start.module);
  const given = start.options as KafkaStreamsOptions; // what the user gave in the main thread, checked there
  const logger = module.options.logger ?? forwardingLogger(port);
  const { streams, connection } = splitOptions({ ...given, ...module.options, logger });
  const config = shareOfThread(parseStreamsConfig(streams));
  onUncaught = (error) => askUncaughtHandler(config.uncaughtExceptionHandler, error, logger);
  const plan = module.plan();
  if (config.ensureExplicitInternalResourceNaming) checkExplicitNames(plan);
  if (start.predecessor !== null) requireReplacement(start.predecessor);
  const folder = LevelStateDirectory.join(folderOptions(config, metrics), start.processId);
  const ports = instancePorts(config, connection, () =>
    Promise.resolve(new SharedStateDirectory(folder, guard)),
  );
  return StreamsInstance.open(
    {
      plan,
      config,
      ports,
      metrics,
      tags: threadTags(config, start.index),
      threadIndex: start.index,
      checkCluster: (client) => {
        checkCluster(client, { exactlyOnce: isExactlyOnce(config) });
      },
      ...hooks,
    },
    signal,
  );
}

async function loadModule(url: string): Promise<unknown> {
  try {
    return await importModule(url);
  } catch (error) {
    throw new StreamsError(
      'STREAMS_TOPOLOGY',
      `the topology module ${url} cannot be loaded: its cause says why. Give the URL of a file that Node can import`,
      { cause: error },
    );
  }
}

/** Throws what the worker before this one died of, unless the handler wants it replaced. */
function requireReplacement(predecessor: TransferredError): void {
  const died = receiveError(predecessor);
  if (isStreamsError(died) && onUncaught(died) === 'replaceThread') return;
  throw died;
}

// No top-level await: this file is compiled to CommonJS too. What rejects here ends the thread, and the pool hears of it.
void WorkerHost.run({
  port,
  open,
  onUncaught: (error) => onUncaught(error),
  samples: () => metrics.snapshot(),
  timers: systemTimers,
}).then(release);
