import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { StreamsError } from '../../common/errors.ts';
import type { BrokerNode } from './cluster-handle.ts';
import type { Guardian } from './guardian.ts';

/** Measured on two cores: 1.7 s from here to serving clients. C1 alone starts fastest. */
const JVM_OPTIONS = [
  '-Xms128m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-XX:-UsePerfData', // its file outside of our folder would survive a SIGKILL
  '-Djava.awt.headless=true',
  '-Dmillrace.level=info',
];

/** Kafka logs this when a node serves clients: its listener is open and the controller has admitted it. */
const READY = 'Kafka Server started';
const POLL_MS = 20;
const LOG_TAIL_BYTES = 256 * 1024;
const SHOWN_COMPLAINTS = 10;
const SHOWN_LINES = 20;

export interface JavaNodeOptions {
  readonly id: number;
  readonly java: string;
  readonly classPath: string;
  readonly jvmOptions: readonly string[];
  readonly log4jFile: string;
  /** Holds server.properties and takes the log; the JVM's temporary files go there too. */
  readonly folder: string;
  readonly guardian: Guardian;
}

/** One broker process and its log. */
export class JavaNode implements BrokerNode {
  readonly #options: JavaNodeOptions;
  readonly #logFile: string;
  #process: { readonly child: ChildProcess; readonly exited: Promise<void> } | undefined;

  constructor(options: JavaNodeOptions) {
    this.#options = options;
    this.#logFile = `${options.folder}/server.log`;
  }

  /**
   * Starts the process, unless it runs, and resolves when it serves clients.
   *
   * Errors: `STREAMS_CONFIG` with the log's tail if it ends first or `timeoutMs` pass; the reason of
   * the signal after an abort. The process is then gone.
   */
  async start(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#process !== undefined) return;
    const logStart = this.#spawn();
    try {
      await this.#untilReady(logStart, timeoutMs, signal);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    running.child.ref();
    running.child.kill('SIGKILL');
    await running.exited;
  }

  pause(): Promise<void> {
    return this.#signal('SIGSTOP');
  }

  resume(): Promise<void> {
    return this.#signal('SIGCONT');
  }

  logTail(lines: number): string {
    const start = Math.max(0, statSync(this.#logFile).size - LOG_TAIL_BYTES);
    return readFrom(this.#logFile, start).trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Returns how long the log was before. */
  #spawn(): number {
    const { java, classPath, jvmOptions, log4jFile, folder, guardian } = this.#options;
    const args = [
      ...JVM_OPTIONS,
      ...jvmOptions,
      `-Djava.io.tmpdir=${folder}`,
      `-Dlog4j2.configurationFile=${log4jFile}`,
      ...['-cp', classPath, 'kafka.Kafka', `${folder}/server.properties`],
    ];
    const log = openSync(this.#logFile, 'a', 0o600);
    const logStart = statSync(this.#logFile).size;
    const child = guardian.spawn(java, args, ['pipe', log, log]);
    closeSync(log);
    const exited = new Promise<void>((resolve) => {
      const end = (): void => {
        this.#process = undefined;
        resolve();
      };
      child.once('exit', end);
      child.once('error', end);
    });
    child.unref();
    this.#process = { child, exited };
    return logStart;
  }

  async #untilReady(logStart: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!readFrom(this.#logFile, logStart).includes(READY)) {
      if (this.#process === undefined) throw this.#failure('ended before it served clients');
      if (performance.now() > deadlineMs) {
        throw this.#failure(`did not serve clients within ${timeoutMs} ms (startTimeoutMs)`);
      }
      await delay(POLL_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }

  /** Kafka logs the reason first and then a page about how it shuts down, so both are shown. */
  #failure(what: string): StreamsError {
    const complaints = this.logTail(Infinity)
      .split('\n')
      .filter((line) => / ERROR | FATAL |Exception/.test(line))
      .slice(0, SHOWN_COMPLAINTS);
    const shown = [...complaints, `Its log ends:`, this.logTail(SHOWN_LINES)].join('\n');
    const message = `Kafka node ${this.#options.id} ${what}.\n${shown}\n`;
    return new StreamsError('STREAMS_CONFIG', message);
  }

  #signal(name: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    if (this.#process?.child.kill(name) === true) return Promise.resolve();
    const message = `Kafka node ${this.#options.id} does not run; start it first`;
    return Promise.reject(new StreamsError('STREAMS_NOT_RUNNING', message));
  }
}

/** The log may have grown for hours, so only the end of it is read. */
function readFrom(file: string, start: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - start));
    const length = readSync(descriptor, bytes, 0, bytes.length, start);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}
