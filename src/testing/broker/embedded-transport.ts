import type {
  BrokerAddress,
  Channel,
  Lane,
  SendOptions,
  Transport,
} from '../../client/transport.ts';
import { isStreamsError, StreamsError } from '../../common/errors.ts';
import type { Timers } from '../../common/clock.ts';
import { readResponseHeader, writeRequestHeader } from '../../wire/message-headers.ts';
import { apiVersions } from '../../wire/messages/api-versions.ts';
import * as messages from '../../wire/messages/index.ts';
import { Reader } from '../../wire/reader.ts';
import { Writer } from '../../wire/writer.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';
import type { ServerConnection } from './server-connection.ts';

export interface EmbeddedTransportOptions {
  readonly cluster: EmbeddedCluster;
  readonly timers: Timers;
  /** Each lane adds its name, as over sockets: `app-1-txn`. */
  readonly clientId: string;
}

const FLEXIBLE_FROM: ReadonlyMap<number, number> = new Map(
  Object.values(messages).flatMap((api): [number, number][] =>
    'key' in api ? [[api.key, api.flexibleFrom]] : [],
  ),
);
const HEADER_ROOM_BYTES = 64;

/** The transport without sockets: requests go straight into an embedded cluster, as the same bytes. */
export class EmbeddedTransport implements Transport {
  readonly #options: EmbeddedTransportOptions;

  constructor(options: EmbeddedTransportOptions) {
    this.#options = options;
  }

  connect(address: BrokerAddress, lane: Lane, signal?: AbortSignal): Promise<Channel> {
    const { cluster, timers, clientId } = this.#options;
    const { host, port } = address;
    return new Promise((resolve) => {
      signal?.throwIfAborted();
      const node = [...cluster.state.nodes.values()].find(
        (known) => known.host === host && known.port === port,
      );
      if (node === undefined || cluster.faults.isCrashed(clientId)) {
        throw new StreamsError('STREAMS_CLIENT', `nobody listens at ${host}:${port}`);
      }
      resolve(new EmbeddedChannel(cluster, node.id, `${clientId}-${lane}`, timers));
    });
  }
}

interface PendingRequest {
  readonly isFlexible: boolean;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

class EmbeddedChannel implements Channel {
  readonly closed: Promise<Error>;
  readonly #clientId: string;
  readonly #timers: Timers;
  readonly #connection: ServerConnection;
  readonly #pending = new Map<number, PendingRequest>();
  #failure: Error | null = null;
  #resolveClosed: (reason: Error) => void = () => undefined;
  #correlationId = 0;

  constructor(cluster: EmbeddedCluster, node: number, clientId: string, timers: Timers) {
    this.#clientId = clientId;
    this.#timers = timers;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#connection = cluster.connect(node, {
      send: (frame) => {
        this.#receive(frame);
      },
      end: (reason) => {
        this.#end(reason);
      },
    });
  }

  send(
    apiKey: number,
    version: number,
    body: Uint8Array,
    { timeoutMs, signal }: SendOptions,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        throw connectionError('the connection is closed', this.#failure);
      }
      signal?.throwIfAborted();
      const correlationId = this.#correlationId++;
      const timer = this.#timers.schedule(timeoutMs, () => {
        // Answers come in order: whatever waits behind this one would wait as long.
        this.close(connectionError(`no answer to api ${apiKey} within ${timeoutMs} ms`));
      });
      const onAbort = (): void => {
        settle();
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const settle = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const isFlexible = version >= (FLEXIBLE_FROM.get(apiKey) ?? Infinity);
      this.#pending.set(correlationId, {
        isFlexible: isFlexible && apiKey !== apiVersions.key,
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      const clientId = this.#clientId;
      const writer = new Writer(body.length + HEADER_ROOM_BYTES + clientId.length);
      writeRequestHeader(writer, { apiKey, version, correlationId, clientId }, isFlexible);
      writer.raw(body);
      this.#connection.receive(writer.finish());
    });
  }

  close(error: Error = new Error('closed')): void {
    this.#connection.close();
    this.#end(error);
  }

  #receive(frame: Uint8Array): void {
    const reader = new Reader(frame);
    const pending = this.#pending.get(reader.int32('correlationId'));
    // Who has aborted the request hears nothing more of it.
    if (pending === undefined) return;
    const whole = new Reader(frame);
    this.#pending.delete(readResponseHeader(whole, pending.isFlexible));
    pending.resolve(frame.subarray(whole.at));
  }

  #end(reason: Error): void {
    if (this.#failure !== null) return;
    this.#failure = reason;
    const error = isStreamsError(reason)
      ? reason
      : connectionError(`the connection ended: ${reason.message}`, reason);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#resolveClosed(reason);
  }
}

function connectionError(message: string, cause?: Error): StreamsError {
  return new StreamsError('STREAMS_CLIENT', message, cause === undefined ? {} : { cause });
}
