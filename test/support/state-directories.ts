import { LevelStateDirectory } from '../../src/adapters/level/level-state-directory.ts';
import { systemRandom } from '../../src/adapters/node/clock.ts';
import { MetricsRegistry } from '../../src/observability/metrics-registry.ts';
import { MemoryStateDirectory } from '../../src/state/memory-state-directory.ts';
import type { StateDirectory, TaskStorageRequest } from '../../src/state/state-directory.ts';
import { RecordingLogger } from './recording-logger.ts';

export type StorageKind = 'memory' | 'level';

export interface LevelOptions {
  readonly stateDir: string;
  readonly applicationId?: string;
  readonly logger?: RecordingLogger;
  readonly metrics?: MetricsRegistry;
}

export function openLevelDirectory({
  stateDir,
  applicationId = 'app',
  logger = new RecordingLogger(),
  metrics = new MetricsRegistry(),
}: LevelOptions): Promise<LevelStateDirectory> {
  return LevelStateDirectory.open({
    stateDir,
    applicationId,
    logger,
    metrics,
    random: systemRandom,
    levelMemoryMaxBytes: 4 * 1024 * 1024,
    levelMaxOpenFiles: 1000,
  });
}

export function openStateDirectory(kind: StorageKind, stateDir: string): Promise<StateDirectory> {
  return kind === 'level'
    ? openLevelDirectory({ stateDir })
    : Promise.resolve(new MemoryStateDirectory('memory'));
}

export const TASK: TaskStorageRequest = {
  taskId: '0_0',
  clusterId: 'cluster',
  topologyFingerprint: 'topology',
  tasks: 1,
};
