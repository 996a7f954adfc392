import type { Clock, Timers } from '../common/clock.ts';
import { StreamsError } from '../common/errors.ts';
import { BrokerConnection } from './broker-connection.ts';
import type { BrokerAddress, Lane, Transport } from './transport.ts';

export interface ConnectionTableOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly connectTimeoutMs: number;
  /** Called for each connection that was negotiated. */
  readonly onOpen: (connection: BrokerConnection) => void;
}

/**
 * At most one connection for each address and lane, opened on first use. All who ask while one is being opened wait for
 * the same; one that is gone is opened again by the next who asks.
 */
export class ConnectionTable {
  readonly #options: ConnectionTableOptions;
  readonly #connections = new Map<string, BrokerConnection>();
  readonly #opening = new Map<string, Promise<BrokerConnection>>();
  readonly #closing = new AbortController();

  constructor(options: ConnectionTableOptions) {
    this.#options = options;
  }

  /** The connection if it is open. */
  peek(address: BrokerAddress, lane: Lane): BrokerConnection | undefined {
    return this.#connections.get(keyOf(address, lane));
  }

  get(address: BrokerAddress, lane: Lane): Promise<BrokerConnection> {
    const key = keyOf(address, lane);
    const open = this.#connections.get(key);
    if (open?.isOpen === true) return Promise.resolve(open);
    let opening = this.#opening.get(key);
    if (opening === undefined) {
      opening = this.#open(key, address, lane).finally(() => {
        this.#opening.delete(key);
      });
      this.#opening.set(key, opening);
    }
    return opening;
  }

  /** Every connection that is open. */
  all(): Iterable<BrokerConnection> {
    return this.#connections.values();
  }

  close(): void {
    this.#closing.abort(new StreamsError('STREAMS_STOPPED', 'the client was closed'));
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #open(key: string, address: BrokerAddress, lane: Lane): Promise<BrokerConnection> {
    const { signal } = this.#closing;
    const connection = await BrokerConnection.open({ ...this.#options, address, lane, signal });
    this.#connections.set(key, connection);
    void connection.closed.then(() => {
      if (this.#connections.get(key) === connection) this.#connections.delete(key);
    });
    this.#options.onOpen(connection);
    return connection;
  }
}

function keyOf({ host, port }: BrokerAddress, lane: Lane): string {
  return `${host}:${port}/${lane}`;
}
