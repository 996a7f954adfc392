import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..', '..');
const APP = path.join(import.meta.dirname, 'app.ts');
const STOP_DEADLINE_MS = 20_000;
const KEPT_OUTPUT_CHARS = 8_000;

/** The application in a process of its own, started as a user would start it: with `BROKERS` and `STATE_DIR`. */
export class AppProcess {
  readonly startedMs = performance.now();
  /** Resolves when the process has gone. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #output = '';
  #expectedToEnd = false;
  #failure: Error | null = null;

  constructor(env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ['--import', 'tsx', APP], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT_CHARS);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (!this.#expectedToEnd) {
          this.#failure = new Error(`the application ended by itself (${how}):\n${this.#output}`);
        }
        resolve();
      };
      this.#child.once('error', (error) => {
        ended(error.message);
      });
      this.#child.once('close', (code, signal) => {
        ended(signal ?? `exit code ${code ?? 'unknown'}`);
      });
    });
  }

  /** What it printed last. */
  get output(): string {
    return this.#output;
  }

  /** Throws, with what it printed last, if it ended without having been told to. */
  throwIfEnded(): void {
    if (this.#failure) throw this.#failure;
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL: no time for a last word. Resolves when the process has gone. */
  async kill(): Promise<void> {
    this.#expectedToEnd = true;
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, on which the application drains and commits. */
  async stop(): Promise<void> {
    this.throwIfEnded();
    this.#expectedToEnd = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#failure = new Error(`the application did not end on SIGTERM:\n${this.#output}`);
      this.#child.kill('SIGKILL');
    }, STOP_DEADLINE_MS);
    await this.exited;
    clearTimeout(timer);
    if (this.#failure) throw this.#failure;
  }
}
