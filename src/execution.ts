import type { LevelStateDirectoryOptions } from './adapters/level/level-state-directory.ts';
import type { MetricSample } from './observability/metrics-registry.ts';
import type { InstanceHooks, RunningInstance } from './runtime/running-instance.ts';
import type { StreamsConfig } from './runtime/streams-config.ts';
import type { StoreKind } from './state/store-builder.ts';

/** Where the stream threads of an application run: in this one, or in workers. */
export interface Execution {
  readonly config: StreamsConfig;
  readonly folder: LevelStateDirectoryOptions;
  /** Of all stores that can be read from here; null: none can. */
  readonly storeKinds: ReadonlyMap<string, StoreKind> | null;
  /** Functions given to `KafkaStreams` can decide what the threads do. */
  readonly takesFunctions: boolean;
  samples(): readonly MetricSample[];
  /** Rejects with the signal's reason when that aborts first; nothing is left open where it rejects. */
  open(hooks: InstanceHooks, signal: AbortSignal): Promise<RunningInstance>;
}
