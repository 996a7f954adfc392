import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Start } from './start.ts';

const APPLICATION = fileURLToPath(new URL('./app.js', import.meta.url));
const RUNNING = /^RUNNING ([\d.]+)$/m;

/** A running instance of the application. */
export class Instance {
  /** When its process was started, on the clock of `performance.now()`. */
  readonly startedMs = performance.now();
  /** Resolves with the time from `start()` to RUNNING; rejects if the process ends before. */
  readonly startToRunningMs: Promise<number>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(start: Start) {
    const child = spawn(process.execPath, [APPLICATION, JSON.stringify(start)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    this.startToRunningMs = new Promise((resolve, reject) => {
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        const found = RUNNING.exec(printed);
        if (found !== null) resolve(Number(found[1]));
      });
      child.once('error', reject);
      child.once('close', (code) => {
        reject(new Error(`an instance ended with ${code ?? 'a signal'} before it ran`));
      });
    });
    // Whoever does not ask is not to be stopped by it: the instance that is killed early, say.
    this.startToRunningMs.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
