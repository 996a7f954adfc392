import { execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { startKafka, type KafkaBroker } from 'millrace/testing';
import { Cluster } from './cluster.ts';

/** The broker as a production broker's JVM runs: its full compiler, G1 and 1 GB of heap. */
const BROKER_JVM = [
  '-Xms1g',
  '-Xmx1g',
  '-XX:TieredStopAtLevel=4',
  '-XX:-UseSerialGC',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
];
/** Kafka's own defaults, where the launcher sets smaller ones. */
const BROKER_PROPERTIES = {
  'num.network.threads': '3',
  'num.io.threads': '8',
  'log.cleaner.dedupe.buffer.size': '134217728',
  'broker.session.timeout.ms': '9000',
  'broker.heartbeat.interval.ms': '2000',
};
const TOOL_TIMEOUT_MS = 120_000;

/** Which core belongs to whom: null where there is no `taskset` or only one core. */
export interface Cores {
  readonly broker: string;
  readonly application: string;
}

export interface Session extends AsyncDisposable {
  readonly broker: KafkaBroker;
  readonly cluster: Cluster;
  /** Null: nothing is pinned. */
  readonly cores: Cores | null;
  /** Runs a program on the application's core and resolves with what it printed to stdout; rejects if it fails. */
  run(program: string, args: readonly string[], options: RunOptions): Promise<string>;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface SessionOptions {
  /** Addresses of a cluster that runs; left out, one is started. */
  readonly brokers: string | undefined;
  /** A core for the broker and one for the application, where that can be. */
  readonly pinned: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** A broker on one core, and a place for applications on the other. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { brokers, signal, onProgress } = options;
  if (brokers !== undefined) process.env['KAFKA_BROKERS'] = brokers;
  const cores = options.pinned ? findCores() : null;
  // A child inherits the cores of its parent, so the broker is pinned by pinning this process while it is started.
  if (cores !== null) pinThisProcess(cores.broker);
  const broker = await startKafka({
    properties: BROKER_PROPERTIES,
    jvmOptions: BROKER_JVM,
    toolTimeoutMs: TOOL_TIMEOUT_MS,
    signal,
    onProgress,
  }).finally(() => {
    if (cores !== null) pinThisProcess(`0-${availableParallelism() - 1}`);
  });
  const cluster = await Cluster.connect(broker.brokers);
  return {
    broker,
    cluster,
    cores,
    run: (program, args, runOptions) =>
      runProgram(pinned(cores, [program, ...args]), runOptions, signal),
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await broker.stop();
    },
  };
}

function findCores(): Cores | null {
  if (availableParallelism() < 2) return null;
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return { broker: '0', application: '1' };
  } catch {
    return null;
  }
}

function pinThisProcess(cores: string): void {
  execFileSync('taskset', ['-c', '-p', cores, String(process.pid)], { stdio: 'ignore' });
}

export function pinned(cores: Cores | null, command: readonly string[]): readonly string[] {
  return cores === null ? command : ['taskset', '-c', cores.application, ...command];
}

function runProgram(
  [program = '', ...args]: readonly string[],
  { timeoutMs, env = {} }: RunOptions,
  signal: AbortSignal,
): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    signal,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve(output);
      else
        reject(new Error(`${[program, ...args].join(' ')} ended with ${killedBy ?? code ?? '?'}`));
    });
  });
}
