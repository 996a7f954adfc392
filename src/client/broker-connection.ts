import type { Clock, Timers } from '../common/clock.ts';
import { StreamsError, isStreamsError } from '../common/errors.ts';
import type { Api, ApiVersionRange } from '../wire/api.ts';
import { apiVersions, type ApiVersionsResponse } from '../wire/messages/api-versions.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { brokerError } from './broker-errors.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { BrokerAddress, Channel, Lane, Transport } from './transport.ts';

/** The part of an API that a client needs; the hand-written Fetch and Produce have no more. */
export type ClientApi<Req, Res> = ApiVersionRange &
  Pick<Api<Req, never>, 'writeRequest'> & {
    readResponse(reader: Reader, version: number): Res;
  };

export interface Answer<Res> {
  readonly response: Res;
  readonly version: number;
  /** Gives back the memory of the answer: for whoever knows that nothing refers to it any more. At most once. */
  readonly recycle: () => void;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Speak at most, or at least, this version, whatever else both sides know. */
  readonly maxVersion?: number | undefined;
  readonly minVersion?: number | undefined;
  /** To write the request into, instead of a new one; not to be touched until the answer is there. */
  readonly writer?: Writer | undefined;
  /** Called right before the bytes leave: until then a failure has certainly had no effect. */
  readonly onSend?: (() => void) | undefined;
}

export interface BrokerConnectionOptions {
  readonly transport: Transport;
  readonly address: BrokerAddress;
  readonly lane: Lane;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly connectTimeoutMs: number;
  /** Gives up while it is being opened; `open` then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

const SOFTWARE = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' };

/** One channel to one broker, with the versions that this broker speaks: they may differ from broker to broker. */
export class BrokerConnection {
  readonly address: BrokerAddress;
  readonly closed: Promise<Error>;
  /** Finalized features of the cluster, by name. */
  readonly features: ReadonlyMap<string, number>;
  readonly #channel: Channel;
  readonly #versions: ReadonlyMap<number, readonly [min: number, max: number]>;
  readonly #clock: Clock;
  readonly #timers: Timers;
  #throttledUntilMs = 0;
  #isOpen = true;

  private constructor(
    { address, clock, timers }: BrokerConnectionOptions,
    channel: Channel,
    offered: ApiVersionsResponse,
  ) {
    this.address = address;
    this.#channel = channel;
    this.#clock = clock;
    this.#timers = timers;
    this.#versions = new Map(
      offered.apiKeys.map((key) => [key.apiKey, [key.minVersion, key.maxVersion]]),
    );
    this.features = new Map(
      offered.finalizedFeatures.map((feature) => [feature.name, feature.maxVersionLevel]),
    );
    this.closed = channel.closed;
    void channel.closed.then(() => {
      this.#isOpen = false;
    });
  }

  /**
   * Connects and asks for the versions before anything else: a broker closes the connection on a version it does not know.
   * Errors: those of the transport; `STREAMS_BROKER_UNSUPPORTED` for a peer that offers none.
   */
  static async open(options: BrokerConnectionOptions): Promise<BrokerConnection> {
    const { transport, address, lane, timers, connectTimeoutMs, signal } = options;
    const giveUp = new AbortController();
    const timer = timers.schedule(connectTimeoutMs, () => {
      giveUp.abort(new Error(`no connection within ${connectTimeoutMs} ms`));
    });
    const onAbort = (): void => {
      giveUp.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      const channel = await transport.connect(address, lane, giveUp.signal);
      try {
        const offered = await negotiate(channel, connectTimeoutMs, signal);
        signal.throwIfAborted();
        return new BrokerConnection(options, channel, offered);
      } catch (error) {
        channel.close(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  supports(api: ApiVersionRange, version: number): boolean {
    const [min, max] = this.#versions.get(api.key) ?? [0, -1];
    return version >= Math.max(min, api.minVersion) && version <= Math.min(max, api.maxVersion);
  }

  /**
   * Sends one request in the newest version that both sides speak.
   *
   * Errors: `STREAMS_BROKER_UNSUPPORTED` where there is none, `STREAMS_CLIENT` for a lost connection or no answer in time,
   * `STREAMS_CORRUPT_MESSAGE` for an answer that cannot be read, which also ends the connection.
   */
  async send<Req, Res>(
    api: ClientApi<Req, Res>,
    request: Req | ((version: number) => Req),
    options: RequestOptions,
  ): Promise<Answer<Res>> {
    const version = this.#negotiate(api, options);
    const writer = options.writer?.reset() ?? new Writer();
    // A function makes the request for the version; no request of ours is itself a function.
    const message =
      typeof request === 'function' ? (request as (version: number) => Req)(version) : request;
    api.writeRequest(writer, version, message);
    await this.#waitForQuota(options.signal);
    options.onSend?.();
    const body = await this.#channel.send(api.key, version, writer.finish(), {
      timeoutMs: options.timeoutMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const response = this.#read(api, version, body);
    this.#noteThrottle(response);
    const recycle = (): void => {
      this.#channel.recycle?.(body);
    };
    return { response, version, recycle };
  }

  close(error?: Error): void {
    this.#isOpen = false;
    this.#channel.close(error);
  }

  #negotiate(api: ApiVersionRange, { minVersion, maxVersion }: RequestOptions): number {
    const [offeredMin, offeredMax] = this.#versions.get(api.key) ?? [0, -1];
    const version = Math.min(offeredMax, api.maxVersion, maxVersion ?? api.maxVersion);
    const least = Math.max(offeredMin, api.minVersion, minVersion ?? api.minVersion);
    if (version >= least) return version;
    const offer =
      offeredMax < 0 ? 'does not have it' : `has versions ${offeredMin} to ${offeredMax}`;
    throw new StreamsError(
      'STREAMS_BROKER_UNSUPPORTED',
      `${api.name} is needed in a version from ${minVersion ?? api.minVersion} to ` +
        `${maxVersion ?? api.maxVersion}, and the broker ${offer}: use Apache Kafka 2.5 or newer`,
      { site: { broker: `${this.address.host}:${this.address.port}`, api: api.name } },
    );
  }

  #read<Res>(api: ClientApi<never, Res>, version: number, body: Uint8Array): Res {
    try {
      return api.readResponse(new Reader(body), version);
    } catch (error) {
      if (isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE')) this.close(error);
      throw error;
    }
  }

  /** Since KIP-219 a broker answers at once and reads no further: what is sent before would only time out. */
  #noteThrottle(response: unknown): void {
    if (typeof response !== 'object' || response === null || !('throttleTimeMs' in response))
      return;
    const { throttleTimeMs } = response;
    if (typeof throttleTimeMs !== 'number' || throttleTimeMs <= 0) return;
    this.#throttledUntilMs = this.#clock.monotonicMs() + throttleTimeMs;
  }

  async #waitForQuota(signal: AbortSignal | undefined): Promise<void> {
    if (this.#throttledUntilMs === 0) return;
    const delayMs = this.#throttledUntilMs - this.#clock.monotonicMs();
    this.#throttledUntilMs = 0;
    if (delayMs > 0) await this.#timers.sleep(delayMs, signal);
  }
}

const FIRST_WITH_FEATURES = 3;

async function negotiate(
  channel: Channel,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ApiVersionsResponse> {
  for (const version of [FIRST_WITH_FEATURES, 0]) {
    const writer = new Writer();
    apiVersions.writeRequest(writer, version, version === 0 ? {} : SOFTWARE);
    const body = await channel.send(apiVersions.key, version, writer.finish(), {
      timeoutMs,
      signal,
    });
    // A broker that does not know the version answers in version 0.
    const isRefused = new Reader(body).int16('errorCode') === ERROR.UNSUPPORTED_VERSION;
    if (isRefused && version !== 0) continue;
    const response = apiVersions.readResponse(new Reader(body), version);
    if (response.errorCode === ERROR.NONE) return response;
    throw brokerError(response.errorCode, { api: apiVersions.name });
  }
  throw brokerError(ERROR.UNSUPPORTED_VERSION, { api: apiVersions.name });
}
