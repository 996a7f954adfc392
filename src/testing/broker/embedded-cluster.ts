import { StreamsError } from '../../common/errors.ts';
import type { BrokerEnvironment } from './broker-environment.ts';
import { DEFAULT_SETTINGS, type BrokerSettings } from './broker-settings.ts';
import { ClusterState, type CoordinatorKind } from './cluster-state.ts';
import { Faults } from './faults.ts';
import type { ServedApi } from './handler.ts';
import { ServerConnection, type Peer } from './server-connection.ts';
import { servedApis } from './served-apis.ts';

export interface EmbeddedClusterOptions {
  readonly environment: BrokerEnvironment;
  readonly settings?: Partial<BrokerSettings>;
}

/**
 * A Kafka cluster inside this process, over the real wire format: nodes 1 to n, one state, connections by node. It has no
 * sockets of its own; `connect` takes frames from whoever has them.
 */
export class EmbeddedCluster {
  readonly faults: Faults;
  readonly state: ClusterState;
  readonly #apis: ReadonlyMap<number, ServedApi>;
  readonly #connections = new Set<ServerConnection>();

  constructor({ environment, settings = {} }: EmbeddedClusterOptions) {
    this.faults = new Faults(this.#connections);
    this.state = new ClusterState({ ...DEFAULT_SETTINGS, ...settings }, environment, this.faults);
    this.#apis = servedApis(this.state);
  }

  /** Says where clients find a node: what Metadata and FindCoordinator give out. */
  addNode(id: number, host: string, port: number): void {
    this.state.nodes.set(id, { id, host, port, isUp: true });
  }

  /** A new connection to a node. `STREAMS_CLIENT` where the node is down. */
  connect(node: number, peer: Peer): ServerConnection {
    if (this.state.nodes.get(node)?.isUp !== true) {
      throw new StreamsError('STREAMS_CLIENT', `node ${node} is down`);
    }
    const connection = new ServerConnection({
      cluster: this.state,
      apis: this.#apis,
      faults: this.faults,
      node,
      peer,
      onEnd: (ended) => this.#connections.delete(ended),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Ends a node: its connections break, others lead and coordinate. Its data is the cluster's, and stays. */
  stopNode(id: number): void {
    const node = this.state.nodes.get(id);
    if (node === undefined) return;
    node.isUp = false;
    this.state.moveLeadersFrom(id);
    for (const connection of [...this.#connections]) {
      if (connection.node === id) connection.end(new Error(`node ${id} stopped`));
    }
  }

  startNode(id: number): void {
    const node = this.state.nodes.get(id);
    if (node !== undefined) node.isUp = true;
  }

  /** Another node looks after a group, or a transactional id, from now on. */
  moveCoordinator(kind: CoordinatorKind, key: string, node: number): void {
    this.state.moveCoordinator(kind, key, node);
  }

  /** Another node leads a partition from now on. */
  moveLeader(topic: string, partition: number, node: number): void {
    this.state.topics.log(topic, partition)?.lead(node);
  }

  /** What the log cleaner does, now, to every partition of a topic. */
  compact(topic: string): void {
    for (const log of this.state.topics.get(topic)?.partitions ?? []) log.compact();
  }

  /** Ends every connection and every wait. */
  stop(): void {
    for (const connection of [...this.#connections])
      connection.end(new Error('the broker stopped'));
    this.state.timers.stop();
  }
}
