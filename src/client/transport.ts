/** A request on one lane never waits behind one on another: each lane is a socket of its own to each broker. */
export type Lane = 'fetch' | 'restore' | 'group' | 'txn' | 'produce' | 'admin';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface SendOptions {
  /** After this long without an answer the channel is destroyed and the call fails. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** One connection, authenticated, in the order of its requests: the broker answers one at a time. */
export interface Channel {
  /** Sends a request body (without its header) and resolves with the answer's body (without its header). */
  send(
    apiKey: number,
    version: number,
    body: Uint8Array,
    options: SendOptions,
  ): Promise<Uint8Array>;
  /** Takes back the memory of an answer that nobody refers to any more. */
  recycle?(body: Uint8Array): void;
  /** Destroys the socket; requests in flight reject with `error`. */
  close(error?: Error): void;
  /** Resolves, never rejects, once the connection is gone, with the reason. */
  readonly closed: Promise<Error>;
}

/**
 * The only thing a driver implements. Everything else (the map of brokers, API versions, retries) is ours.
 *
 * Errors of `connect` and `send`: `STREAMS_CLIENT` where another try may help, `STREAMS_AUTHENTICATION` where not.
 */
export interface Transport {
  connect(address: BrokerAddress, lane: Lane, signal?: AbortSignal): Promise<Channel>;
}
