import type { KafkaTool } from './kafka-tools.ts';

/**
 * Where a broker came from: a running cluster that the environment names, Docker, a JVM of this machine; or it is no Kafka
 * at all but the embedded broker, in this process.
 */
export type BrokerSource = 'environment' | 'docker' | 'java' | 'embedded';

/** How one of Kafka's command-line tools ended. */
export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * A running Kafka cluster for tests, examples and development.
 *
 * Nodes are counted from 1; a call without a node means all of them. The cluster keeps no process
 * and no folder after `stop()`, and none after this process ends, however it ends. It does not keep
 * this process alive.
 *
 * An embedded broker (`source` tells) has no tools of Kafka's, and only all of its nodes can be paused: `STREAMS_CONFIG`.
 *
 * A cluster that `KAFKA_BROKERS` names belongs to somebody else: `stop()` leaves it alone, and
 * `kill`, `start`, `pause` and `resume` are `STREAMS_CONFIG`.
 *
 * Errors: `STREAMS_STOPPED` after `stop()`, `STREAMS_CONFIG` for a node that does not exist,
 * `STREAMS_NOT_RUNNING` from `pause` and `resume` of a node that was killed.
 */
export interface KafkaBroker extends AsyncDisposable {
  /** Bootstrap addresses, `host:port`, of the client listener. */
  readonly brokers: readonly string[];
  /** Version of Apache Kafka, or `unknown` for a cluster that `KAFKA_BROKERS` names. */
  readonly version: string;
  readonly source: BrokerSource;
  /** What a client needs in order to trust a SASL_SSL listener: the certificate as PEM. */
  readonly ssl?: { readonly ca: string };

  /** Ends every node at once and removes their data. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process has gone; `start` brings it back, same port, same data. */
  kill(node?: number): Promise<void>;
  /** Brings back what `kill` ended; resolves when it serves clients. */
  start(node?: number): Promise<void>;
  /** SIGSTOP: sockets stay open, nobody answers. */
  pause(node?: number): Promise<void>;
  /** SIGCONT. */
  resume(node?: number): Promise<void>;

  /**
   * Runs one of Kafka's own command-line tools, for instance
   * `tool('kafka-console-consumer', '--topic', 'clicks', '--max-messages', '1')`, and resolves with
   * what it printed, whatever its exit code. The bootstrap server is added. Another tool can be given
   * as its Java class, with all its arguments. Longer than `toolTimeoutMs` is `STREAMS_CLIENT`.
   */
  tool(name: KafkaTool | (string & {}), ...args: string[]): Promise<ToolResult>;

  /** The last lines of each node's log. */
  logTail(lines?: number): string;
}

/** Which Kafka to start, and how. */
export interface StartKafkaOptions {
  /** `4.3.1`, or a line of versions like `4` or `3.9`. Default: MILLRACE_KAFKA_VERSION, else the current 4.x. */
  readonly version?: string;
  /** Three nodes replicate with factor 3 and at least 2 in sync. Default 1. */
  readonly nodes?: 1 | 3;
  /** Level of the feature `transaction.version`. Default: what the version gives, 2 on 4.x. 3.9 has only 1. */
  readonly transactionVersion?: 1 | 2;
  /** Default PLAINTEXT. The others offer PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 to `users`. */
  readonly listeners?: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** Password by user name, for SASL. */
  readonly users?: Readonly<Record<string, string>>;
  /** Kafka's own server properties, over the ones that the launcher sets. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Options of each node's JVM, behind those of the launcher, which are for a quick start and a small broker. */
  readonly jvmOptions?: readonly string[];
  /**
   * Only this source; by default the first that is there, in the order of `BrokerSource`. `own` is
   * Docker or Java: a broker that may be killed and paused, whatever KAFKA_BROKERS says.
   */
  readonly source?: BrokerSource | 'own';
  /**
   * Where there is neither Docker nor Java: an `EmbeddedBroker` in this process. For first steps; default false, so that a test
   * which is to run on Kafka never runs on anything else.
   */
  readonly mayEmbed?: boolean;
  /** How long a node may take until it serves clients. Default 60 s. */
  readonly startTimeoutMs?: number;
  /** How long Maven or Docker may take to fetch a version the first time. Default 10 min. */
  readonly fetchTimeoutMs?: number;
  /** How long one command-line tool may run. Default 60 s. */
  readonly toolTimeoutMs?: number;
  /** Abort ends the start and cleans up. It has no effect on a cluster that has started. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
}
