import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AppOptions } from '../app/main.ts';
import { until } from '../../support/until.ts';

const MAIN = join(process.cwd(), 'test/crash/app/main.ts');
const RUNNING_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 60_000;
const TAIL_LINES = 15;

/** The application in a process of its own, which is told when to die. Its lines also go to a log file. */
export class AppProcess {
  /** Resolves with how it ended, `SIGKILL` or an exit code, when it has gone. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #tail: string[] = [];
  #state = '';
  #how: string | null = null;
  #wipes = 0;
  #killedAt: string | null = null;

  constructor(options: AppOptions, logFile: string) {
    this.#log = createWriteStream(logFile, { flags: 'a' });
    this.#child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
      env: { ...process.env, CRASH_APP: JSON.stringify(options) },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => undefined); // it may die before it has read an order
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => {
          this.#take(line);
        });
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#how = signal ?? String(code);
        this.#log.end(`ENDED ${this.#how}\n`);
        resolve(this.#how);
      });
    });
  }

  get isRunning(): boolean {
    return this.#state === 'RUNNING';
  }

  get hasEnded(): boolean {
    return this.#how !== null;
  }

  /** How often it has deleted a state folder. */
  get wipes(): number {
    return this.#wipes;
  }

  /** The failpoint that it died at. */
  get killedAt(): string | null {
    return this.#killedAt;
  }

  /** Throws, with what it printed last, where it ends before. */
  async untilRunning(): Promise<void> {
    await until(
      'the application to run',
      () => {
        if (this.hasEnded)
          throw new Error(`it ended (${this.#how ?? ''}) before it ran\n${this.tail}`);
        return this.isRunning;
      },
      RUNNING_DEADLINE_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.tail}`);
    });
  }

  /** `endtxn.sent 3`: dies at its third pass from now on. */
  arm(order: string): void {
    this.#child.stdin?.write(`arm ${order}\n`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGTERM; resolves with how it ended. */
  async stop(): Promise<string> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const how = await this.ended;
    clearTimeout(timer);
    return how;
  }

  get tail(): string {
    return this.#tail.join('\n');
  }

  #take(line: string): void {
    this.#log.write(`${line}\n`);
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    if (line.startsWith('STATE ')) this.#state = line.slice(6);
    if (line.startsWith('KILLED ')) this.#killedAt = line.slice(7);
    if (line.includes('state is deleted and will be rebuilt')) this.#wipes++;
  }
}
