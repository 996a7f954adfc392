import { workerUrl } from './worker-url.js';
import { LevelStateDirectory } from './adapters/level/level-state-directory.ts';
import { systemTimers } from './adapters/node/clock.ts';
import { workerSpawner } from './adapters/node/worker-threads.ts';
import { StreamsError } from './common/errors.ts';
import type { Execution } from './execution.ts';
import { folderOptions, splitOptions, type KafkaStreamsOptions } from './instance-ports.ts';
import { MetricsRegistry } from './observability/metrics-registry.ts';
import { parseStreamsConfig } from './runtime/streams-config.ts';
import { WorkerPool } from './runtime/worker-pool.ts';
import { isModuleOption } from './topology-module.ts';

/**
 * `threads` stream threads, each in a worker thread that loads the topology module.
 *
 * Errors: `STREAMS_CONFIG` for an option that cannot cross to a worker.
 */
export function inWorkers(module: URL, options: KafkaStreamsOptions): Execution {
  const { streams, connection } = splitOptions(options);
  const config = parseStreamsConfig(streams);
  const crossing = crossingOptions({ ...streams, ...connection });
  const metrics = new MetricsRegistry();
  const folder = folderOptions(config, metrics);
  let pool: WorkerPool | null = null;
  return {
    config,
    folder,
    storeKinds: null,
    takesFunctions: false,
    samples: () => [...metrics.snapshot(), ...(pool?.samples ?? [])],
    open: async (hooks, abort) => {
      pool = await WorkerPool.open(
        {
          spawn: workerSpawner(workerUrl),
          start: { module: module.href, options: crossing, threads: config.threads },
          openFolder: () => LevelStateDirectory.open(folder),
          closeTimeoutMs: config.closeTimeoutMs,
          replaceAfterMs: config.retryBackoffMaxMs,
          timers: systemTimers,
          logger: config.logger,
        },
        hooks,
        abort,
      );
      return pool;
    },
  };
}

/** Without the logger: lines come back from the workers. */
function crossingOptions(options: object): Readonly<Record<string, unknown>> {
  const entries = Object.entries(options).filter(
    ([option, value]) => option !== 'logger' && value !== undefined,
  );
  for (const [option, value] of entries) {
    if (value === null || (isData(value) && !isModuleOption(option))) continue;
    throw new StreamsError(
      'STREAMS_CONFIG',
      `${option}: it holds functions, which cannot cross to worker threads: export it from the topology module, under this name`,
      { site: { option } },
    );
  }
  return Object.fromEntries(entries);
}

function isData(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
