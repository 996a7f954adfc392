import { StreamsError } from '../../common/errors.ts';
import type { KafkaBroker, ToolResult } from './kafka-broker.ts';

/** One broker process, wherever it runs. */
export interface BrokerNode {
  /** Does nothing if it runs. Errors: `STREAMS_CONFIG` with the end of its log if it does not come up. */
  start(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** Does nothing if it does not run. Works on a paused process too. */
  kill(): Promise<void>;
  /** Errors: `STREAMS_NOT_RUNNING`. */
  pause(): Promise<void>;
  /** Errors: `STREAMS_NOT_RUNNING`. */
  resume(): Promise<void>;
  logTail(lines: number): string;
}

export interface Cluster {
  readonly source: 'docker' | 'java';
  readonly version: string;
  readonly brokers: readonly string[];
  /** The certificate of a SASL_SSL listener, as PEM. */
  readonly ca: string | undefined;
  readonly nodes: readonly BrokerNode[];
  readonly startTimeoutMs: number;
  /** Ends every node and removes what they left. */
  readonly release: () => Promise<void>;
  readonly tool: (name: string, args: readonly string[]) => Promise<ToolResult>;
}

/** The `KafkaBroker` of a cluster that we started. */
export class ClusterHandle implements KafkaBroker {
  readonly source: 'docker' | 'java';
  readonly version: string;
  readonly brokers: readonly string[];
  readonly ssl?: { readonly ca: string };
  readonly #cluster: Cluster;
  #stopped: Promise<void> | undefined;

  constructor(cluster: Cluster) {
    this.source = cluster.source;
    this.version = cluster.version;
    this.brokers = cluster.brokers;
    if (cluster.ca !== undefined) this.ssl = { ca: cluster.ca };
    this.#cluster = cluster;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#cluster.release();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async kill(node?: number): Promise<void> {
    await settleAll(this.#nodes(node).map((each) => each.kill()));
  }

  async start(node?: number): Promise<void> {
    const { startTimeoutMs } = this.#cluster;
    await settleAll(this.#nodes(node).map((each) => each.start(startTimeoutMs)));
  }

  async pause(node?: number): Promise<void> {
    await settleAll(this.#nodes(node).map((each) => each.pause()));
  }

  async resume(node?: number): Promise<void> {
    await settleAll(this.#nodes(node).map((each) => each.resume()));
  }

  async tool(name: string, ...args: string[]): Promise<ToolResult> {
    this.#refuseStopped();
    return this.#cluster.tool(name, args);
  }

  logTail(lines = 50): string {
    return this.#nodes(undefined)
      .map((node) => node.logTail(lines))
      .join('\n');
  }

  #nodes(node: number | undefined): readonly BrokerNode[] {
    this.#refuseStopped();
    const { nodes } = this.#cluster;
    if (node === undefined) return nodes;
    const one = nodes[node - 1];
    if (one !== undefined) return [one];
    const range = `they are counted from 1 to ${nodes.length}`;
    throw new StreamsError('STREAMS_CONFIG', `there is no Kafka node ${node}: ${range}`);
  }

  #refuseStopped(): void {
    if (this.#stopped === undefined) return;
    const message = 'this Kafka broker was stopped; start another with startKafka()';
    throw new StreamsError('STREAMS_STOPPED', message);
  }
}

/** Like `Promise.all`, but nothing goes on behind a rejection. */
export async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
