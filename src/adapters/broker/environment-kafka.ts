import { StreamsError } from '../../common/errors.ts';
import type { BrokerPlan } from './broker-plan.ts';
import type { JavaTools } from './java-tools.ts';
import type { KafkaBroker, ToolResult } from './kafka-broker.ts';

/** The addresses in KAFKA_BROKERS (`host:port`, comma-separated), or undefined if it is not set. */
export function environmentBrokers(): readonly string[] | undefined {
  const addresses = (process.env['KAFKA_BROKERS'] ?? '').split(',').map((text) => text.trim());
  const brokers = addresses.filter((address) => address !== '');
  const wrong = brokers.find((address) => !/^\S+:\d+$/.test(address));
  if (wrong !== undefined) {
    const message = `KAFKA_BROKERS holds "${wrong}"; write host:port, comma-separated`;
    throw new StreamsError('STREAMS_CONFIG', message);
  }
  return brokers.length === 0 ? undefined : brokers;
}

/**
 * A cluster that somebody else runs. It is used as it is: `properties` and `version` do not apply, and
 * what a test would notice to be missing (nodes, security, a transaction version) is refused.
 *
 * `findTools` is asked at the first use of a tool, since a client needs no Java.
 */
export class EnvironmentKafka implements KafkaBroker {
  readonly source = 'environment';
  readonly version = 'unknown';
  readonly brokers: readonly string[];
  readonly #toolTimeoutMs: number;
  readonly #findTools: () => Promise<JavaTools>;

  constructor(brokers: readonly string[], plan: BrokerPlan, findTools: () => Promise<JavaTools>) {
    const { nodes, listeners, transactionVersion } = plan;
    if (nodes !== 1 || listeners !== 'PLAINTEXT' || transactionVersion !== undefined) {
      const message =
        "KAFKA_BROKERS names a running cluster, which cannot be given nodes, listeners or a transaction version: unset it, or pass source: 'own'";
      throw new StreamsError('STREAMS_CONFIG', message);
    }
    this.brokers = brokers;
    this.#toolTimeoutMs = plan.toolTimeoutMs;
    this.#findTools = findTools;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  kill(): Promise<void> {
    return refuse('kill');
  }

  start(): Promise<void> {
    return refuse('start');
  }

  pause(): Promise<void> {
    return refuse('pause');
  }

  resume(): Promise<void> {
    return refuse('resume');
  }

  async tool(name: string, ...args: string[]): Promise<ToolResult> {
    const tools = await this.#findTools();
    return tools.runOn(this.brokers.join(','), name, args, { timeoutMs: this.#toolTimeoutMs });
  }

  logTail(): string {
    return `the log of ${this.brokers.join(',')} (KAFKA_BROKERS) is where that cluster keeps it`;
  }
}

function refuse(what: string): Promise<never> {
  const message = `cannot ${what} a broker of KAFKA_BROKERS, which somebody else runs: unset it, or pass source: 'own'`;
  return Promise.reject(new StreamsError('STREAMS_CONFIG', message));
}
