import { nodeCodecs } from './adapters/compression/node-codecs.ts';
import { loadCrc32c } from './adapters/crc/load-crc32c.ts';
import { systemClock, systemRandom, systemTimers } from './adapters/node/clock.ts';
import { listenTcp, type TcpListener } from './adapters/node/tcp-listener.ts';
import type { Transport } from './client/transport.ts';
import type { BrokerEnvironment } from './testing/broker/broker-environment.ts';
import type { BrokerSettings } from './testing/broker/broker-settings.ts';
import { EmbeddedCluster } from './testing/broker/embedded-cluster.ts';
import { EmbeddedTransport } from './testing/broker/embedded-transport.ts';
import type { Faults } from './testing/broker/faults.ts';

const HOST = '127.0.0.1';
/** Addresses of nodes that do not listen are names only. */
const FIRST_UNUSED_PORT = 1;

/** What the broker is like (docs/testing.md). */
export interface EmbeddedBrokerOptions extends Partial<BrokerSettings> {
  /** False: no sockets; only `transport()` reaches it. Default true: each node listens on a free port of 127.0.0.1. */
  readonly listen?: boolean;
  /** Clock, timers, random and the rest, where a test brings its own. */
  readonly environment?: Partial<BrokerEnvironment>;
}

/**
 * A Kafka in this process, for tests and first steps: partition logs, transactions, groups and topics, over Kafka's own wire
 * format. Everything is in memory and gone with the process. It is not for production, and does not replace a real broker
 * in the tests that decide whether to release.
 *
 *     await using broker = await EmbeddedBroker.start();
 *     const streams = new KafkaStreams(topology, { applicationId: 'counts', brokers: broker.brokers });
 *
 * Any Kafka client that speaks to a PLAINTEXT listener can use `brokers`.
 */
export class EmbeddedBroker implements AsyncDisposable {
  /** Bootstrap addresses, `host:port`. */
  readonly brokers: readonly string[];
  readonly #cluster: EmbeddedCluster;
  readonly #environment: BrokerEnvironment;
  readonly #listeners: readonly TcpListener[];

  private constructor(
    cluster: EmbeddedCluster,
    environment: BrokerEnvironment,
    listeners: readonly TcpListener[],
  ) {
    this.#cluster = cluster;
    this.#environment = environment;
    this.#listeners = listeners;
    this.brokers = [...cluster.state.nodes.values()].map(({ host, port }) => `${host}:${port}`);
  }

  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    const { listen = true, environment: given = {}, ...settings } = options;
    const environment: BrokerEnvironment = {
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      crc32c: await loadCrc32c(),
      codecs: nodeCodecs(),
      ...given,
    };
    const cluster = new EmbeddedCluster({ environment, settings });
    const listeners: TcpListener[] = [];
    for (let node = 1; node <= cluster.state.settings.nodes; node++) {
      let port = FIRST_UNUSED_PORT + node;
      if (listen) {
        const listener = await listenTcp(HOST, 0, {
          connect: (peer) => cluster.connect(node, peer),
        });
        listeners.push(listener);
        port = listener.port;
      }
      cluster.addNode(node, HOST, port);
    }
    return new EmbeddedBroker(cluster, environment, listeners);
  }

  /** What goes wrong on the way, as a test says. */
  get faults(): Faults {
    return this.#cluster.faults;
  }

  /** Nodes to stop, leaders and coordinators to move, topics to compact. */
  get cluster(): EmbeddedCluster {
    return this.#cluster;
  }

  /** A way to it without sockets, for our own client. */
  transport(clientId = 'embedded'): Transport {
    const { timers } = this.#environment;
    return new EmbeddedTransport({ cluster: this.#cluster, timers, clientId });
  }

  async stop(): Promise<void> {
    this.#cluster.stop();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
