import { StreamsError } from '../../common/errors.ts';
import { hasTransactionVersion, resolveVersion } from './kafka-version.ts';
import type { StartKafkaOptions } from './kafka-broker.ts';

/** `StartKafkaOptions`, checked and with its defaults. */
export interface BrokerPlan {
  readonly version: string;
  readonly nodes: 1 | 3;
  /** Level to format the storage with, if not the version's own. */
  readonly transactionVersion: 1 | 2 | undefined;
  readonly listeners: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly users: ReadonlyMap<string, string>;
  readonly properties: Readonly<Record<string, string>>;
  readonly jvmOptions: readonly string[];
  readonly startTimeoutMs: number;
  readonly fetchTimeoutMs: number;
  readonly toolTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (message: string) => void;
}

/** Errors: `STREAMS_CONFIG` for options that do not fit each other or the version. */
export function planBroker(options: StartKafkaOptions): BrokerPlan {
  const version = resolveVersion(options.version);
  const { transactionVersion, listeners = 'PLAINTEXT' } = options;
  const hasFeature = hasTransactionVersion(version);
  if (transactionVersion === 2 && !hasFeature) {
    refuse(
      'transactionVersion',
      `Kafka ${version} has no transaction protocol 2; ask for a 4.x version`,
    );
  }
  const { nodes = 1 } = options;
  // JavaScript and the command line can pass any number.
  if (![1, 3].includes(nodes)) refuse('nodes', `a cluster has 1 or 3 nodes, not ${nodes}`);
  return {
    version,
    nodes,
    transactionVersion: hasFeature ? transactionVersion : undefined,
    listeners,
    users: planUsers(listeners, options.users),
    properties: options.properties ?? {},
    jvmOptions: options.jvmOptions ?? [],
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
    fetchTimeoutMs: options.fetchTimeoutMs ?? 600_000,
    toolTimeoutMs: options.toolTimeoutMs ?? 60_000,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => undefined),
  };
}

function planUsers(
  listeners: BrokerPlan['listeners'],
  users: Readonly<Record<string, string>> = {},
): Map<string, string> {
  const entries = Object.entries(users);
  const hasSasl = listeners !== 'PLAINTEXT';
  if (hasSasl && entries.length === 0) {
    refuse(
      'users',
      `a ${listeners} listener admits nobody without users; pass for instance { alice: 'secret' }`,
    );
  }
  if (!hasSasl && entries.length > 0) {
    refuse(
      'users',
      'a PLAINTEXT listener knows no users; pass listeners: SASL_PLAINTEXT or SASL_SSL',
    );
  }
  // Names and passwords pass through a JAAS line and kafka-storage's own notation, which quote differently.
  const isPlain = (text: string): boolean => /^[\w.-]+$/.test(text);
  if (!entries.flat().every(isPlain)) {
    refuse(
      'users',
      'names and passwords of a test broker may hold letters, digits, and . _ - only',
    );
  }
  return new Map(entries);
}

function refuse(option: string, message: string): never {
  throw new StreamsError('STREAMS_CONFIG', message, { site: { option } });
}
