import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type Message } from 'kafkajs';
import type { Chance } from './chance.ts';

export const INPUT_PARTITIONS = 3;

const CUSTOMERS = 30;
const ITEMS = 12;
const BATCH_RECORDS = 50;
const PAUSE_MS = 250;
const LATENESS_MS = 8_000;
const PRICES = 0.15;
const POISON = 0.01;

/** Writes entries of the shop until it is stopped, and keeps the ids that the broker has acknowledged. */
export class Load {
  readonly acked: string[] = [];
  readonly #chance: Chance;
  readonly #brokers: readonly string[];
  readonly #topic: string;
  readonly #next = Array.from({ length: INPUT_PARTITIONS }, () => 0);
  readonly #run: Promise<void>;
  #stopping = false;

  constructor(brokers: readonly string[], topic: string, chance: Chance) {
    this.#brokers = brokers;
    this.#topic = topic;
    this.#chance = chance;
    this.#run = this.#send();
  }

  /** Resolves when nothing more comes; rejects where it could not connect at first. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#run;
  }

  async #send(): Promise<void> {
    const kafka = new Kafka({ brokers: [...this.#brokers], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ retry: { retries: 100, maxRetryTime: 1_000 } });
    await producer.connect();
    while (!this.#stopping) {
      const batch = Array.from({ length: BATCH_RECORDS }, () => this.#entry());
      try {
        await producer.send({
          topic: this.#topic,
          acks: -1,
          messages: batch.map(({ message }) => message),
        });
        this.acked.push(...batch.map(({ id }) => id));
      } catch {
        // Whether the broker has them is open: the judge goes by what is in the log.
      }
      await delay(PAUSE_MS);
    }
    await producer.disconnect();
  }

  /** Mostly sales; each id begins with its partition. */
  #entry(): { readonly id: string; readonly message: Message } {
    const chance = this.#chance;
    const customer = chance.below(CUSTOMERS);
    const partition = customer % INPUT_PARTITIONS;
    const number = this.#next[partition] ?? 0;
    this.#next[partition] = number + 1;
    const id = `${partition}-${number}`;
    const kind = chance.next() < PRICES ? 'price' : 'sale';
    const value = JSON.stringify({
      id,
      kind,
      item: `item-${chance.below(ITEMS)}`,
      amount: 1 + chance.below(9),
    });
    const message = {
      key: `customer-${customer}`,
      value: chance.next() < POISON ? value.slice(0, -1) : value,
      partition,
      timestamp: String(Date.now() - chance.below(LATENESS_MS)),
      headers: { id },
    };
    return { id, message };
  }
}
