import { parseDuration, type Duration } from '../common/duration.ts';
import { StreamsError } from '../common/errors.ts';
import { SILENT_LOGGER, type Logger } from '../observability/logger.ts';
import { logAndFail, type ErrorHandler } from '../processor/error-handlers.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { Serde } from '../serde/serde.ts';

/** Whether a crash may repeat what was done since the last commit. */
export type ProcessingGuarantee = 'at_least_once' | 'exactly_once_v2';

/**
 *     replaceThread         close the tasks without committing, and start over from what is committed
 *     shutdownClient        stop this instance: its state becomes ERROR
 *     shutdownApplication   stop this instance and tell the others, through the group, to stop too
 */
export type UncaughtExceptionResponse = 'replaceThread' | 'shutdownClient' | 'shutdownApplication';

/** Decides, synchronously, what an error that nothing else handles does to the instance. */
export type UncaughtExceptionHandler = (error: StreamsError) => UncaughtExceptionResponse;

/**
 * The options of one instance: Kafka Streams' names in camelCase, with its defaults. A key that ends in `Ms` takes
 * milliseconds or text such as `'5m'`. All byte limits are totals of the instance unless they say otherwise.
 */
export interface StreamsConfig {
  /** Names the group, the internal topics, the transactions and the state folder. Required. */
  readonly applicationId: string;
  /** Bootstrap addresses, `host:port`. Required. */
  readonly brokers: readonly string[];
  readonly processingGuarantee: ProcessingGuarantee;
  /** Shown in the broker's logs; the application id if empty. */
  readonly clientId: string;
  readonly threads: number;
  /** Null: a folder `millrace` in the system's folder for temporary files, which may not outlive a reboot. */
  readonly stateDir: string | null;

  /** Of internal topics; -1 is the broker's default. */
  readonly replicationFactor: number;
  /** Configs of internal topics, over the defaults and under those of a store. */
  readonly topicConfig: Readonly<Record<string, string>>;
  readonly windowstoreChangelogAdditionalRetentionMs: number;
  readonly repartitionPurgeIntervalMs: number;
  /** Makes internal topics that are missing though the group has committed offsets: a store or operator is new. */
  readonly createMissingInternalTopics: boolean;
  /** Refuses a topology whose stores or internal topics have generated names. */
  readonly ensureExplicitInternalResourceNaming: boolean;
  /** Rebuilds a windowed store though its changelog may have lost live windows to retention. */
  readonly allowTruncatedChangelog: boolean;

  /** How often a transaction or, at least once, the offsets are committed; 100 ms under exactly once, else 30 s. */
  readonly commitIntervalMs: number;
  readonly transactionTimeoutMs: number;
  /** Uncommitted writes of the stores; when there are more, a commit comes early. */
  readonly statestoreUncommittedMaxBytes: number;
  /** The record cache: dedups updates of tables between commits. 0 forwards each update. */
  readonly statestoreCacheMaxBytes: number;
  /** Decoded entries kept for speed; has no meaning. */
  readonly stateObjectsMaxBytes: number;
  /** Block cache and write buffers of all LevelDB databases together. */
  readonly levelMemoryMaxBytes: number;
  /** Table files that all LevelDB databases together keep open; each takes at least 74. */
  readonly levelMaxOpenFiles: number;

  readonly defaultKeySerde: Serde<unknown> | null;
  readonly defaultValueSerde: Serde<unknown> | null;
  readonly defaultTimestampExtractor: TimestampExtractor | null;
  readonly deserializationExceptionHandler: ErrorHandler;
  readonly processingExceptionHandler: ErrorHandler;
  readonly productionExceptionHandler: ErrorHandler;
  /** How often one record is tried again where the processing handler says `'retry'`; then that is `'fail'`. */
  readonly processingRetries: number;
  readonly uncaughtExceptionHandler: UncaughtExceptionHandler;

  /** Where a partition without a committed offset begins. */
  readonly autoOffsetReset: 'earliest' | 'latest' | 'none';
  readonly maxTaskIdleMs: number;
  /** Records that may wait before async processors of one task; what one record leads to must fit. */
  readonly maxAsyncRecordsPerTask: number;
  /** Least time between two looks for results that only time makes due: those of left and outer joins of streams. */
  readonly emitIntervalMs: number;
  /** Records of one partition in memory beyond which it is not fetched. */
  readonly bufferedRecordsPerPartition: number;
  /** Fetched bytes that no task has taken yet. */
  readonly fetchBufferBytes: number;
  readonly fetchMaxBytes: number;
  readonly maxPartitionFetchBytes: number;
  readonly fetchMinBytes: number;
  readonly fetchMaxWaitMs: number;

  readonly compressionType: string;
  /** One batch of one partition. More than Kafka's 16 KB, since each request costs CPU here and on the broker. */
  readonly batchSize: number;
  readonly lingerMs: number;
  /** Records not yet acknowledged; when there are more, processing waits for the broker. */
  readonly bufferMemory: number;
  readonly maxRequestSize: number;
  readonly deliveryTimeoutMs: number;

  /** Makes this instance a static member: a restart within the session timeout moves no task. */
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** A processor that keeps the loop longer than this loses its tasks. */
  readonly maxPollIntervalMs: number;

  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
  /** How long failures that a retry may mend are retried without progress. */
  readonly taskTimeoutMs: number;
  /** How long a restore may stand still; longer than a replica may stay out of sync (`replica.lag.time.max.ms`). */
  readonly restoreStallTimeoutMs: number;
  /** How long a processor's `close` may take; the task goes on without it then. */
  readonly processorCloseTimeoutMs: number;
  /** How long `close()` may take before what is open is aborted. */
  readonly closeTimeoutMs: number;
  /** How long records are processed before the event loop gets a turn. */
  readonly sliceMs: number;

  readonly logger: Logger;
}

type RequiredOption = 'applicationId' | 'brokers';

/** What a user writes: durations as text too, and anything but the two required options left out. */
export type StreamsOptions = {
  readonly [K in keyof StreamsConfig as K extends RequiredOption ? K : never]: StreamsConfig[K];
} & {
  readonly [
    K in keyof StreamsConfig as K extends RequiredOption ? never : K
  ]?: K extends `${string}Ms` ? Duration : StreamsConfig[K];
};

/** Checks one option's value, and says what it is when it is left out. */
interface OptionSpec<T> {
  readonly fallback: T | undefined;
  parse(value: unknown, option: string): T;
}

const reject = (option: string, message: string): never => {
  throw new StreamsError('STREAMS_CONFIG', `${option}: ${message}`, { site: { option } });
};

const duration = (fallback: number, minMs = 0): OptionSpec<number> => ({
  fallback,
  parse(value, option) {
    if (typeof value !== 'number' && typeof value !== 'string') {
      return reject(option, `give milliseconds or text such as '5s', not ${typeof value}`);
    }
    const ms = parseDuration(value, option);
    return ms >= minMs ? ms : reject(option, `${ms} ms is below the least possible, ${minMs} ms`);
  },
});

const integer = (
  fallback: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): OptionSpec<number> => ({
  fallback,
  parse: (value, option) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : reject(option, `give a whole number from ${min} to ${max}, not ${String(value)}`),
});

const oneOf = <const T extends string>(fallback: T, ...values: readonly T[]): OptionSpec<T> => ({
  fallback,
  parse: (value, option) =>
    values.find((known) => known === value) ??
    reject(
      option,
      `'${String(value)}' is none of ${values.map((known) => `'${known}'`).join(', ')}`,
    ),
});

const flag = (fallback: boolean): OptionSpec<boolean> => ({
  fallback,
  parse: (value, option) =>
    typeof value === 'boolean' ? value : reject(option, `give true or false, not ${String(value)}`),
});

const text = <T extends string | null>(fallback: T): OptionSpec<string | T> => ({
  fallback,
  parse: (value, option) =>
    (typeof value === 'string' && value !== '') || value === fallback
      ? (value as string)
      : reject(option, 'give text that is not empty'),
});

/** An object or function whose methods TypeScript has checked; at run time only its kind is looked at. */
const instance = <T>(fallback: T, kind: 'function' | 'object'): OptionSpec<T> => ({
  fallback,
  parse: (value, option) =>
    value === fallback || (typeof value === kind && value !== null)
      ? (value as T) // the shape beyond its kind is for the type checker
      : reject(option, `give a ${kind}, not ${String(value)}`),
});

const MIB = 1024 * 1024;

/** Names that Kafka accepts in topics; the application id begins those of the internal topics. */
const APPLICATION_ID = /^[a-zA-Z0-9._-]{1,200}$/;

const OPTIONS: { readonly [K in keyof StreamsConfig]: OptionSpec<StreamsConfig[K]> } = {
  applicationId: {
    fallback: undefined,
    parse: (value, option) =>
      typeof value === 'string' && APPLICATION_ID.test(value) && value !== '.' && value !== '..'
        ? value
        : reject(
            option,
            `'${String(value)}' cannot begin topic names: give 1 to 200 letters, digits, '.', '_' or '-'`,
          ),
  },
  brokers: {
    fallback: undefined,
    parse(value, option) {
      const isList = Array.isArray(value) && value.length > 0;
      if (!isList) return reject(option, "give a list of addresses such as ['localhost:9092']");
      return value.map((address: unknown) => {
        const isAddress = typeof address === 'string' && /^\S+:\d{1,5}$/.test(address);
        return isAddress ? address : reject(option, `'${String(address)}' is not host:port`);
      });
    },
  },
  processingGuarantee: oneOf('at_least_once', 'at_least_once', 'exactly_once_v2'),
  clientId: text(''),
  threads: integer(1, 1),
  stateDir: text(null),

  replicationFactor: integer(-1, -1, 32_767),
  topicConfig: instance<Readonly<Record<string, string>>>({}, 'object'),
  windowstoreChangelogAdditionalRetentionMs: duration(86_400_000),
  repartitionPurgeIntervalMs: duration(30_000, 1),
  createMissingInternalTopics: flag(false),
  ensureExplicitInternalResourceNaming: flag(false),
  allowTruncatedChangelog: flag(false),

  commitIntervalMs: duration(30_000),
  transactionTimeoutMs: duration(10_000, 1),
  statestoreUncommittedMaxBytes: integer(16 * MIB, 1),
  statestoreCacheMaxBytes: integer(10 * MIB, 0),
  stateObjectsMaxBytes: integer(32 * MIB, 0),
  levelMemoryMaxBytes: integer(64 * MIB, MIB),
  levelMaxOpenFiles: integer(1_000, 74),

  defaultKeySerde: instance<Serde<unknown> | null>(null, 'object'),
  defaultValueSerde: instance<Serde<unknown> | null>(null, 'object'),
  defaultTimestampExtractor: instance<TimestampExtractor | null>(null, 'function'),
  deserializationExceptionHandler: instance(logAndFail, 'function'),
  processingExceptionHandler: instance(logAndFail, 'function'),
  productionExceptionHandler: instance(logAndFail, 'function'),
  processingRetries: integer(1, 0),
  uncaughtExceptionHandler: instance<UncaughtExceptionHandler>(() => 'shutdownClient', 'function'),

  autoOffsetReset: oneOf('earliest', 'earliest', 'latest', 'none'),
  // -1 does not wait even for data that is known to be there, as in Kafka Streams.
  maxTaskIdleMs: {
    fallback: 0,
    parse: (value, option) => (value === -1 ? -1 : duration(0).parse(value, option)),
  },
  maxAsyncRecordsPerTask: integer(10_000, 1),
  emitIntervalMs: duration(1000),
  bufferedRecordsPerPartition: integer(1000, 1),
  fetchBufferBytes: integer(32 * MIB, 1),
  fetchMaxBytes: integer(50 * MIB, 1),
  maxPartitionFetchBytes: integer(MIB, 1),
  fetchMinBytes: integer(1, 0),
  fetchMaxWaitMs: duration(500),

  compressionType: text('none'),
  batchSize: integer(256 * 1024, 1024),
  lingerMs: duration(100),
  bufferMemory: integer(32 * MIB, 1024),
  maxRequestSize: integer(MIB, 1024),
  deliveryTimeoutMs: duration(120_000, 1),

  groupInstanceId: text(null),
  sessionTimeoutMs: duration(45_000, 1),
  heartbeatIntervalMs: duration(3_000, 1),
  maxPollIntervalMs: duration(300_000, 1),

  requestTimeoutMs: duration(30_000, 1),
  connectTimeoutMs: duration(10_000, 1),
  retryBackoffMs: duration(100),
  retryBackoffMaxMs: duration(1_000),
  metadataMaxAgeMs: duration(300_000, 1),
  taskTimeoutMs: duration(300_000),
  restoreStallTimeoutMs: duration(60_000, 1),
  processorCloseTimeoutMs: duration(10_000, 1),
  closeTimeoutMs: duration(30_000),
  sliceMs: duration(5, 1),

  logger: instance(SILENT_LOGGER, 'object'),
};

const EXACTLY_ONCE_COMMIT_INTERVAL_MS = 100;

/** Totals of an instance, of which each thread gets an equal share. */
const SHARED = [
  'statestoreUncommittedMaxBytes',
  'statestoreCacheMaxBytes',
  'stateObjectsMaxBytes',
  'levelMemoryMaxBytes',
  'levelMaxOpenFiles',
  'fetchBufferBytes',
  'bufferMemory',
] as const satisfies readonly (keyof StreamsConfig)[];

/** The options as one of `threads` stream threads has them. */
export function shareOfThread(config: StreamsConfig): StreamsConfig {
  const shares = SHARED.map((name) => [name, Math.floor(config[name] / config.threads)] as const);
  const own: Partial<StreamsConfig> = Object.fromEntries(shares);
  return { ...config, ...own };
}

/**
 * The options with every default filled in.
 *
 * Errors: `STREAMS_CONFIG` naming the option, for a value that is not allowed, a combination that cannot work, and a
 * key that is none of ours: then it names the nearest that is.
 */
export function parseStreamsConfig(options: StreamsOptions): StreamsConfig {
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(OPTIONS, key)) reject(key, unknownOption(key));
  }
  const given: Readonly<Record<string, unknown>> = options;
  const entries = Object.entries(OPTIONS).map(([name, spec]: [string, OptionSpec<unknown>]) => {
    const value = given[name];
    if (value !== undefined) return [name, spec.parse(value, name)];
    return spec.fallback === undefined
      ? reject(name, 'is required')
      : [name, defaultOf(name, spec.fallback, given)];
  });
  const config = Object.fromEntries(entries) as StreamsConfig; // OPTIONS has exactly its keys, each parsed to its type
  checkTogether(config);
  return config;
}

function defaultOf(
  name: string,
  fallback: unknown,
  given: Readonly<Record<string, unknown>>,
): unknown {
  const exactlyOnce = given['processingGuarantee'] === 'exactly_once_v2';
  return name === 'commitIntervalMs' && exactlyOnce ? EXACTLY_ONCE_COMMIT_INTERVAL_MS : fallback;
}

function checkTogether(config: StreamsConfig): void {
  const { commitIntervalMs, transactionTimeoutMs, heartbeatIntervalMs, sessionTimeoutMs } = config;
  if (config.processingGuarantee === 'exactly_once_v2' && transactionTimeoutMs < commitIntervalMs) {
    reject(
      'transactionTimeoutMs',
      `${transactionTimeoutMs} ms is shorter than commitIntervalMs, ${commitIntervalMs} ms: every transaction would time out before its commit`,
    );
  }
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    reject(
      'heartbeatIntervalMs',
      `${heartbeatIntervalMs} ms leaves no room for a heartbeat within sessionTimeoutMs, ${sessionTimeoutMs} ms`,
    );
  }
}

function unknownOption(key: string): string {
  const camelCase = key.replace(/[.-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
  const javaName = JAVA_NAMES[key] ?? camelCase;
  const nearest = nearestOption(javaName);
  return nearest === undefined
    ? 'is no option of Millrace (docs/configuration.md lists them)'
    : `is no option of Millrace; did you mean '${nearest}'?`;
}

/** Java names whose camelCase is not ours. */
const JAVA_NAMES: Readonly<Record<string, string>> = {
  'bootstrap.servers': 'brokers',
  'num.stream.threads': 'threads',
  bootstrapServers: 'brokers',
  numStreamThreads: 'threads',
};

function nearestOption(name: string): string | undefined {
  const ranked = Object.keys(OPTIONS)
    .map((option) => ({ option, distance: editDistance(name.toLowerCase(), option.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(2, name.length / 3)
    ? best.option
    : undefined;
}

/** Levenshtein's distance; names are short and this runs once, on an error. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
