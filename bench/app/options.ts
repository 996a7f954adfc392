import { parseArgs } from 'node:util';
import type { KafkaStreamsOptions } from 'millrace';
import { isWorkload, type Workload } from '../data/workloads.ts';

/** How an application is started, by the driver or by the Java program's own. */
export interface AppArguments {
  readonly command: string;
  readonly workload: Workload;
  readonly brokers: readonly string[];
  readonly applicationId: string;
  readonly stateDir: string;
  readonly guarantee: 'alo' | 'eos';
  readonly cacheBytes: number;
  readonly threads: number;
  readonly sessionTimeoutMs: number | null;
  readonly liveOnly: boolean;
  /** `restart`: delete the local state first. */
  readonly wipe: boolean;
  /** `restart`: wait until no earlier member is left in the group. */
  readonly waitForEmptyGroup: boolean;
}

export function parseAppArguments(args: readonly string[]): AppArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      brokers: { type: 'string', default: '127.0.0.1:9092' },
      'app-id': { type: 'string' },
      'state-dir': { type: 'string' },
      guarantee: { type: 'string', default: 'alo' },
      cache: { type: 'string', default: '0' },
      threads: { type: 'string', default: '1' },
      'session-timeout': { type: 'string' },
      'live-only': { type: 'string', default: 'false' },
      wipe: { type: 'string', default: 'false' },
      'wait-empty': { type: 'string', default: 'false' },
    },
  });
  const [command = '', workload = 'W6'] = positionals;
  const { guarantee, 'app-id': applicationId, 'state-dir': stateDir } = values;
  if (!isWorkload(workload)) throw new Error(`there is no workload ${workload}`);
  if (guarantee !== 'alo' && guarantee !== 'eos') throw new Error('--guarantee takes alo or eos');
  if (applicationId === undefined) throw new Error('--app-id is required');
  if (stateDir === undefined) throw new Error('--state-dir is required');
  const sessionTimeout = values['session-timeout'];
  return {
    command,
    workload,
    brokers: values.brokers.split(','),
    applicationId,
    stateDir,
    guarantee,
    cacheBytes: Number(values.cache),
    threads: Number(values.threads),
    sessionTimeoutMs: sessionTimeout === undefined ? null : Number(sessionTimeout),
    liveOnly: values['live-only'] === 'true',
    wipe: values.wipe === 'true',
    waitForEmptyGroup: values['wait-empty'] === 'true',
  };
}

/** Everything that is not here is a default of the library. */
export function streamsOptions(args: AppArguments): KafkaStreamsOptions {
  const { guarantee, sessionTimeoutMs } = args;
  return {
    applicationId: args.applicationId,
    brokers: args.brokers,
    stateDir: args.stateDir,
    processingGuarantee: guarantee === 'eos' ? 'exactly_once_v2' : 'at_least_once',
    commitIntervalMs: guarantee === 'eos' ? 100 : 1000,
    statestoreCacheMaxBytes: args.cacheBytes,
    threads: args.threads,
    ...(sessionTimeoutMs === null ? {} : { sessionTimeoutMs }),
  };
}
