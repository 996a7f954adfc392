import { setTimeout as sleep } from 'node:timers/promises';
import { NO_HEADERS } from '../../src/common/record.ts';
import type { Producer } from '../../src/client/producer.ts';
import type { Cluster } from '../cluster.ts';
import { PARTITIONS } from '../data/workloads.ts';

const TICK_MS = 5;
const KEYS_PER_PARTITION = 25;
const WAIT_MS = 60_000;

/**
 * A steady input, some records to each partition every 5 ms, and what the application makes of it: the last committed
 * count of each key, and when each partition last gave output.
 */
export class Traffic implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #producer: Producer;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #sent = new Map<string, number>();
  readonly #counted = new Map<string, number>();
  readonly #lastOutputMs: number[] = Array.from({ length: PARTITIONS }, () => 0);
  #longestGapMs = 0;
  #feeding = true;

  private constructor(cluster: Cluster, producer: Producer, input: string, output: string) {
    this.#cluster = cluster;
    this.#producer = producer;
    this.#running = Promise.all([this.#feed(input), this.#watch(output)]);
    // Told when the traffic is closed, if nobody waits for it before.
    this.#running.catch(() => undefined);
  }

  static async start(cluster: Cluster, input: string, output: string): Promise<Traffic> {
    const producer = await cluster.producer();
    await producer.prepareTopics([input]);
    return new Traffic(cluster, producer, input, output);
  }

  /** Resolves when every partition (or, with `any`, one of them) has given output later than that; returns when. */
  async outputAfter(sinceMs: number, which: 'any' | 'every'): Promise<number> {
    const giveUpMs = performance.now() + WAIT_MS;
    for (;;) {
      const pick = which === 'any' ? Math.max : Math.min;
      const outputMs = pick(...this.#lastOutputMs);
      if (outputMs > sinceMs) return outputMs;
      if (performance.now() > giveUpMs) throw new Error('no output for a minute');
      await sleep(1);
    }
  }

  /** From here on the longest time that a partition was silent is kept. */
  resetGap(): void {
    this.#longestGapMs = 0;
  }

  get longestGapMs(): number {
    return this.#longestGapMs;
  }

  /** Stops the input and waits until all of it has been counted; throws if a count is not what was sent. */
  async settle(): Promise<number> {
    this.#feeding = false;
    const giveUpMs = performance.now() + WAIT_MS;
    const wrong = (): string | undefined =>
      [...this.#sent.keys()].find((key) => this.#counted.get(key) !== this.#sent.get(key));
    for (let key = wrong(); key !== undefined; key = wrong()) {
      if (performance.now() > giveUpMs) {
        throw new Error(`${key}: counted ${this.#counted.get(key)} of ${this.#sent.get(key)}`);
      }
      await sleep(TICK_MS);
    }
    return [...this.#sent.values()].reduce((total, count) => total + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feeding = false;
    this.#stop.abort();
    await this.#running;
    await this.#producer.close();
  }

  async #feed(input: string): Promise<void> {
    for (let tick = 0; this.#feeding; tick++) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const key = `${partition}-${tick % KEYS_PER_PARTITION}`;
        this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1);
        const bytes = Buffer.from(key);
        this.#producer.append(input, partition, bytes, bytes, Date.now(), NO_HEADERS);
      }
      this.#producer.poke();
      await sleep(TICK_MS);
    }
    await this.#producer.flush();
  }

  #watch(output: string): Promise<void> {
    return this.#cluster.follow(
      output,
      (key, value) => {
        const name = Buffer.from(key ?? []).toString();
        const count = Number(Buffer.from(value ?? []).readBigInt64BE());
        this.#counted.set(name, count);
        this.#seen(Number(name.split('-')[0]));
      },
      this.#stop.signal,
    );
  }

  #seen(partition: number): void {
    const nowMs = performance.now();
    const lastMs = this.#lastOutputMs[partition] ?? 0;
    if (lastMs > 0) this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - lastMs);
    this.#lastOutputMs[partition] = nowMs;
  }
}
