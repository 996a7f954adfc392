import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppProcess } from './app-process.ts';
import type { AppOptions } from '../app/main.ts';
import type { Chance } from './chance.ts';
import type { Counts } from './counts.ts';
import { needsRestart, type Fault } from './faults.ts';

const REACHED_DEADLINE_MS = 20_000;
const RESTART_PAUSE_MS = 400;
const RANDOM_KILL_AFTER_MS = 2_500;
const PASSES = 6;
const MOST_TRIES = 5;

export interface SlotOptions {
  readonly name: string;
  readonly app: Omit<AppOptions, 'armed'>;
  readonly logFolder: string;
  /** Of the application, under its state folder. */
  readonly folder: string;
  readonly pauseMs: number;
  readonly chance: Chance;
  readonly counts: Counts;
  readonly onFinding: (finding: string) => void;
}

/** One instance's place: a state folder, and one process after the other on it. */
export class Slot {
  readonly #options: SlotOptions;
  #process: AppProcess;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#process = this.#start('');
  }

  get folder(): string {
    return this.#options.folder;
  }

  untilRunning(): Promise<void> {
    return this.#process.untilRunning();
  }

  /** Returns a fault that has to be tried again, or null. */
  async suffer(fault: Fault): Promise<Fault | null> {
    if (this.#process.hasEnded)
      throw new Error(`${this.#options.name} ended by itself:\n${this.#process.tail}`);
    switch (fault.kind) {
      case 'pause':
        await this.#pause();
        return null;
      case 'random kill':
        await delay(this.#options.chance.below(RANDOM_KILL_AFTER_MS));
        await this.#kill();
        await this.#restart('');
        return null;
      case 'failpoint':
        return this.#die(fault);
    }
  }

  /** SIGTERM, and a finding where it does not end well. */
  async stop(): Promise<void> {
    const { name, onFinding } = this.#options;
    const how = await this.#process.stop();
    if (how !== '0') onFinding(`${name} ended with ${how} on SIGTERM:\n${this.#process.tail}`);
    this.#noteWipes();
  }

  async end(): Promise<void> {
    await this.#process.kill();
  }

  async #pause(): Promise<void> {
    const { pauseMs, counts } = this.#options;
    this.#process.pause();
    await delay(pauseMs);
    this.#process.resume();
    counts.pauses++;
    await delay(RESTART_PAUSE_MS);
    await this.#process.untilRunning();
  }

  async #die(fault: Extract<Fault, { kind: 'failpoint' }>): Promise<Fault | null> {
    const { chance, counts, name, onFinding } = this.#options;
    const { point, tries } = fault;
    if (needsRestart(point)) {
      await this.#kill();
      if (point !== 'group.join') await this.#loseDisk();
      this.#process = this.#start(`${point} 1`);
    } else {
      this.#process.arm(`${point} ${1 + chance.below(PASSES)}`);
    }
    const deadline = new AbortController();
    await Promise.race([
      this.#process.ended,
      delay(REACHED_DEADLINE_MS, undefined, { signal: deadline.signal }).catch(() => undefined),
    ]);
    deadline.abort();
    const isReached = this.#process.killedAt === point;
    if (isReached) {
      await this.#process.ended;
      counts.kills++;
      counts.killsAt[point] = (counts.killsAt[point] ?? 0) + 1;
    } else {
      await this.#kill();
    }
    await this.#restart('');
    if (isReached) return null;
    if (tries < MOST_TRIES) return { ...fault, tries: tries + 1 };
    onFinding(`${name} never passed ${point}, in ${tries} tries`);
    return null;
  }

  async #kill(): Promise<void> {
    if (this.#process.hasEnded)
      throw new Error(`${this.#options.name} ended by itself:\n${this.#process.tail}`);
    await this.#process.kill();
    this.#options.counts.kills++;
  }

  async #restart(armed: string): Promise<void> {
    this.#noteWipes();
    await delay(this.#options.chance.below(RESTART_PAUSE_MS));
    this.#process = this.#start(armed);
    await this.#process.untilRunning();
  }

  #start(armed: string): AppProcess {
    const { app, logFolder, name } = this.#options;
    return new AppProcess({ ...app, armed }, join(logFolder, `${name}.log`));
  }

  #noteWipes(): void {
    const { name, onFinding } = this.#options;
    const { wipes } = this.#process;
    if (wipes > 0) onFinding(`${name} wiped ${wipes} state folders after a crash`);
  }

  /** The stores of all tasks; who it is, it still knows. */
  async #loseDisk(): Promise<void> {
    const { folder, counts } = this.#options;
    this.#noteWipes();
    for (const file of await readdir(folder)) {
      if (/^\d+_\d+$/.test(file)) await rm(join(folder, file), { recursive: true });
    }
    counts.lostDisks++;
  }
}
