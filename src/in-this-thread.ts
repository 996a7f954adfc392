import { LevelStateDirectory } from './adapters/level/level-state-directory.ts';
import { checkCluster } from './client/cluster-requirements.ts';
import { StreamsError } from './common/errors.ts';
import { NO_FAILPOINTS, type Failpoints } from './common/failpoints.ts';
import type { Execution } from './execution.ts';
import {
  folderOptions,
  instancePorts,
  splitOptions,
  threadTags,
  type KafkaStreamsOptions,
} from './instance-ports.ts';
import { MetricsRegistry } from './observability/metrics-registry.ts';
import { isExactlyOnce } from './runtime/instance-context.ts';
import { parseStreamsConfig } from './runtime/streams-config.ts';
import { StreamsInstance } from './runtime/streams-instance.ts';
import type { StoreKind } from './state/store-builder.ts';
import type { TopologyPlan } from './topology/topology-plan.ts';

/** One stream thread, on the event loop of this thread. Errors: those of the constructor of `KafkaStreams`. */
export function inThisThread(
  plan: TopologyPlan,
  options: KafkaStreamsOptions,
  failpoints: Failpoints = NO_FAILPOINTS,
): Execution {
  const { streams, connection } = splitOptions(options);
  const config = parseStreamsConfig(streams);
  if (config.threads > 1) {
    throw new StreamsError(
      'STREAMS_CONFIG',
      'threads: a topology cannot cross to worker threads: give the URL of a module that exports `topology(builder)`, or start more instances',
      { site: { option: 'threads' } },
    );
  }
  const metrics = new MetricsRegistry();
  const folder = { ...folderOptions(config, metrics), failpoints };
  const ports = {
    ...instancePorts(config, connection, () => LevelStateDirectory.open(folder)),
    failpoints,
  };
  return {
    config,
    folder,
    storeKinds: kindsOf(plan),
    takesFunctions: true,
    samples: () => metrics.snapshot(),
    open: (hooks, abort) =>
      StreamsInstance.open(
        {
          plan,
          config,
          ports,
          metrics,
          tags: threadTags(config, 1),
          threadIndex: 1,
          checkCluster: (client) => {
            checkCluster(client, { exactlyOnce: isExactlyOnce(config) });
          },
          ...hooks,
        },
        abort,
      ),
  };
}

function kindsOf({ subtopologies, globalStores }: TopologyPlan): ReadonlyMap<string, StoreKind> {
  const builders = [
    ...subtopologies.flatMap(({ stores }) => stores),
    ...globalStores.map(({ store }) => store),
  ];
  return new Map(builders.map(({ name, kind }) => [name, kind]));
}
