import type { BrokerPlan } from './adapters/broker/broker-plan.ts';
import type { KafkaBroker } from './adapters/broker/kafka-broker.ts';
import { hasTransactionVersion } from './adapters/broker/kafka-version.ts';
import { StreamsError } from './common/errors.ts';
import { EmbeddedBroker } from './embedded-broker.ts';

/** Every client id begins with it. */
const EVERYBODY = '';

/** The embedded broker as the launcher gives brokers out. `STREAMS_CONFIG` for what only a real one can do. */
export async function startEmbeddedKafka(plan: BrokerPlan): Promise<KafkaBroker> {
  if (plan.listeners !== 'PLAINTEXT') refuse('has no TLS and no SASL');
  const isOld = !hasTransactionVersion(plan.version) || plan.transactionVersion === 1;
  const version = isOld ? '3.9' : '4.3';
  return new EmbeddedKafka(await EmbeddedBroker.start({ version, nodes: plan.nodes }), version);
}

class EmbeddedKafka implements KafkaBroker {
  readonly source = 'embedded';
  readonly version: string;
  readonly brokers: readonly string[];
  readonly #broker: EmbeddedBroker;

  constructor(broker: EmbeddedBroker, version: string) {
    this.#broker = broker;
    this.brokers = broker.brokers;
    this.version = version;
  }

  stop(): Promise<void> {
    return this.#broker.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  kill(node?: number): Promise<void> {
    return settled(() => {
      for (const each of this.#nodes(node)) this.#broker.cluster.stopNode(each);
    });
  }

  start(node?: number): Promise<void> {
    return settled(() => {
      for (const each of this.#nodes(node)) this.#broker.cluster.startNode(each);
    });
  }

  pause(node?: number): Promise<void> {
    return settled(() => {
      this.#expectAll(node);
      this.#broker.faults.pause(EVERYBODY);
    });
  }

  resume(node?: number): Promise<void> {
    return settled(() => {
      this.#expectAll(node);
      this.#broker.faults.resume(EVERYBODY);
    });
  }

  tool(name: string): Promise<never> {
    return Promise.reject(
      refusal(`has none of Kafka's tools (${name}): they need Java, and startKafka finds it`),
    );
  }

  logTail(): string {
    return 'the embedded broker keeps no log';
  }

  #nodes(node: number | undefined): readonly number[] {
    const all = this.brokers.map((_, index) => index + 1);
    if (node === undefined) return all;
    return all.includes(node) ? [node] : refuse(`has no node ${node}`);
  }

  #expectAll(node: number | undefined): void {
    if (this.#nodes(node).length < this.brokers.length) refuse('pauses all of its nodes or none');
  }
}

/** What the callback throws, the promise rejects with. */
function settled(act: () => void): Promise<void> {
  return new Promise((resolve) => {
    act();
    resolve();
  });
}

function refusal(what: string): StreamsError {
  return new StreamsError('STREAMS_CONFIG', `the embedded broker ${what}`);
}

function refuse(what: string): never {
  throw refusal(what);
}
