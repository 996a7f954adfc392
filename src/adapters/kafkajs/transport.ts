import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory, KafkaConfig } from 'kafkajs';
import type { BrokerAddress, Channel, Lane, Transport } from '../../client/transport.ts';
import { StreamsError } from '../../common/errors.ts';
import * as messages from '../../wire/messages/index.ts';
import { KafkaJsChannel } from './channel.ts';
import { connectError } from './connect-errors.ts';
import { captureCluster, connectionOf, type KafkaJsCluster } from './internals.ts';
import { Secrets } from './secrets.ts';

export interface KafkaJsTransportOptions {
  readonly clientId: string;
  /** As in kafkajs: true, or options of `tls.connect`. */
  readonly ssl?: KafkaConfig['ssl'];
  /** As in kafkajs: mechanism and credentials, or a mechanism of one's own. */
  readonly sasl?: KafkaConfig['sasl'];
  /** TCP, TLS and SASL together. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** How long before the end of a SASL session it is renewed. Default 10 s. */
  readonly reauthenticationThresholdMs?: number;
  /** Largest answer that is read. Default 256 MiB, far above what we ask for. */
  readonly maxFrameBytes?: number;
  /** Buffers of answers that each connection keeps to use them again. Default 16 MiB. */
  readonly maxPooledBytes?: number;
}

const KEEP_ALIVE_DELAY_MS = 60_000;
/** One read of a socket. */
const READ_BYTES = 65_536;

/**
 * The default transport: kafkajs opens the socket, TLS included, and does SASL; requests and answers are ours from then on
 * (`KafkaJsChannel`). Each call of `connect` is one socket: kafkajs never reconnects behind our back.
 *
 * Errors: `STREAMS_CONFIG` at construction when kafkajs is another version than the one this was made for; from `connect`
 * `STREAMS_AUTHENTICATION` where TLS or SASL refused and `STREAMS_CLIENT` else.
 * Source: docs/adr/0003-transport.md.
 */
export class KafkaJsTransport implements Transport {
  readonly #options: KafkaJsTransportOptions;
  readonly #connectTimeoutMs: number;
  readonly #cluster: KafkaJsCluster;
  readonly #secrets: Secrets;
  readonly #openSocket: ISocketFactory;

  constructor(options: KafkaJsTransportOptions) {
    this.#options = options;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
    this.#secrets = new Secrets(options);
    this.#openSocket = socketFactory(options.ssl);
    this.#cluster = captureCluster({
      clientId: options.clientId,
      ssl: options.ssl,
      sasl: this.#secrets.sasl,
      connectionTimeout: this.#connectTimeoutMs,
      authenticationTimeout: this.#connectTimeoutMs,
      reauthenticationThreshold: options.reauthenticationThresholdMs ?? 10_000,
      socketFactory: this.#openSocket,
    });
  }

  async connect(address: BrokerAddress, lane: Lane, signal?: AbortSignal): Promise<Channel> {
    const { host, port } = address;
    const connectionPool = await this.#cluster.connectionPoolBuilder.build({ host, port });
    const connection = connectionOf(connectionPool);
    const broker = this.#cluster.brokerPool.createBroker({
      connectionPool,
      logger: this.#cluster.rootLogger,
      nodeId: -1,
    });
    const channel = new KafkaJsChannel({
      connection,
      clientId: `${this.#options.clientId}-${lane}`,
      broker: `${host}:${port}`,
      usesSasl: this.#options.sasl !== undefined,
      refusal: (cause) => connectError(cause, address, this.#secrets),
      maxFrameBytes: this.#options.maxFrameBytes ?? 256 << 20,
      maxPooledBytes: this.#options.maxPooledBytes ?? 16 << 20,
      isFlexible,
    });
    connection.socketFactory = (socketOptions) => {
      const socket = this.#openSocket(socketOptions);
      channel.attach(socket);
      return socket;
    };
    const connecting = broker.connect();
    const lost = channel.closed.then(async (reason) => {
      // A broker closes right after it refused the credentials: what kafkajs says of that comes first.
      await nextTurn();
      throw reason;
    });
    const timer = setTimeout(() => {
      channel.close(new Error(`no connection within ${this.#connectTimeoutMs} ms`));
    }, this.#connectTimeoutMs);
    const onAbort = (): void => {
      channel.close(new Error('the connect was aborted'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    try {
      await Promise.race([connecting, lost]);
      return channel;
    } catch (cause) {
      channel.close(new Error('the connect failed'));
      throw connectError(cause, address, this.#secrets);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      // Whichever loses the race may still reject.
      connecting.catch(() => undefined);
      lost.catch(() => undefined);
    }
  }
}

const FLEXIBLE_FROM: ReadonlyMap<number, number> = new Map(
  Object.values(messages).flatMap((api): [number, number][] =>
    'key' in api ? [[api.key, api.flexibleFrom]] : [],
  ),
);

function isFlexible(apiKey: number, version: number): boolean {
  const from = FLEXIBLE_FROM.get(apiKey);
  if (from === undefined) {
    throw new StreamsError('STREAMS_INVARIANT', `api ${apiKey} is none of those that we speak`);
  }
  return version >= from;
}

/**
 * Every read of the socket goes into the same memory, which whoever listens to `data` has to copy. As Node reads by
 * itself, into 64 KiB that it allocates for each read, W1 took 0.25 CPU seconds per million records more.
 */
function connectInto(
  buffer: Buffer,
  { host, port, onConnect }: { host: string; port: number; onConnect: () => void },
): Socket {
  const onread = {
    buffer,
    callback: (length: number): boolean => {
      socket.emit('data', buffer.subarray(0, length));
      return true;
    },
  };
  const socket = connectTcp({ host, port, onread }, onConnect);
  return socket;
}

/** As kafkajs opens them, but without Nagle's delay, which costs 40 ms for each request of two writes. */
function socketFactory(ssl: KafkaConfig['ssl']): ISocketFactory {
  return ({ host, port, onConnect }): Socket => {
    const socket =
      ssl === undefined || ssl === false
        ? connectInto(Buffer.allocUnsafeSlow(READ_BYTES), { host, port, onConnect })
        : connectTls(
            {
              host,
              port,
              ...(isIP(host) === 0 ? { servername: host } : {}),
              ...(ssl === true ? {} : ssl),
            },
            onConnect,
          );
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    return socket;
  };
}
