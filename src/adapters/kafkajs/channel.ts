import type { Socket } from 'node:net';
import type { Channel, SendOptions } from '../../client/transport.ts';
import { StreamsError, invariant } from '../../common/errors.ts';
import { Reader } from '../../wire/reader.ts';
import { FramePool } from './frame-pool.ts';
import { FrameReader } from './frame-reader.ts';
import type { KafkaJsConnection } from './internals.ts';

export interface KafkaJsChannelOptions {
  readonly connection: KafkaJsConnection;
  readonly clientId: string;
  readonly broker: string;
  readonly usesSasl: boolean;
  /** What a re-authentication that failed means. */
  readonly refusal: (cause: unknown) => StreamsError;
  readonly maxFrameBytes: number;
  /** Buffers of answers that wait to be used again. */
  readonly maxPooledBytes: number;
  /** Whether requests of this API and version have the flexible header, with a tag section. */
  readonly isFlexible: (apiKey: number, version: number) => boolean;
}

interface PendingRequest {
  readonly flexible: boolean;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

const API_VERSIONS = 18;
const FIXED_HEADER_BYTES = 14; // length, api key, version, correlation id, client id length
const NO_TAGS = 0;
/** Node fires a longer timer at once; a parked JoinGroup of an unlimited `maxPollIntervalMs` would need it. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * One connection that kafkajs opened and authenticated. From `attach` on we frame requests and read answers ourselves:
 * the body goes to the socket as it is (kafkajs copies it twice), a frame with an absurd length ends the connection
 * instead of the process, and kafkajs' timers for pending requests never run.
 *
 * kafkajs keeps what it is good at: its handlers of the socket, and its own ApiVersions and SASL requests, whose answers
 * are handed to its queue by correlation id. A body must not be changed before its answer is there.
 */
export class KafkaJsChannel implements Channel {
  readonly closed: Promise<Error>;
  readonly #options: KafkaJsChannelOptions;
  readonly #clientId: Buffer;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #pool: FramePool;
  #socket: Socket | null = null;
  #failure: Error | null = null;
  #resolveClosed: (reason: Error) => void = () => undefined;

  constructor(options: KafkaJsChannelOptions) {
    this.#options = options;
    this.#clientId = Buffer.from(options.clientId);
    this.#pool = new FramePool(options.maxPooledBytes);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#takeOver(options.connection);
  }

  /** The socket, as soon as there is one: its end is the end of this channel. */
  attach(socket: Socket): void {
    invariant(this.#socket === null, 'kafkajs opens one socket for one connect');
    this.#socket = socket;
    if (this.#failure !== null) socket.destroy(this.#failure);
    socket.once('error', (error) => {
      this.#failure ??= error;
    });
    socket.once('close', () => {
      // kafkajs listens to `end` only: without it a request on a destroyed socket would never settle.
      socket.emit('end');
      this.#end(this.#failure ?? new Error('the broker closed the connection'));
    });
  }

  send(
    apiKey: number,
    version: number,
    body: Uint8Array,
    { timeoutMs, signal }: SendOptions,
  ): Promise<Uint8Array> {
    const { connection, usesSasl } = this.#options;
    if (usesSasl && !connection.isAuthenticated()) {
      return this.#reauthenticate(timeoutMs).then(() =>
        this.#exchange(apiKey, version, body, timeoutMs, signal),
      );
    }
    return this.#exchange(apiKey, version, body, timeoutMs, signal);
  }

  recycle(body: Uint8Array): void {
    this.#pool.give(body);
  }

  close(error?: Error): void {
    this.#failure ??= error ?? new Error('closed');
    if (this.#socket === null) this.#end(this.#failure);
    // Without an error kafkajs would neither settle requests nor see that the connection is gone.
    else this.#socket.destroy(this.#failure);
  }

  #exchange(
    apiKey: number,
    version: number,
    body: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (socket === null || this.#failure !== null || socket.destroyed) {
        reject(this.#error('the connection is closed', this.#failure));
        return;
      }
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      const id = this.#options.connection.nextCorrelationId();
      const flexible = this.#options.isFlexible(apiKey, version);
      const timer = setTimeout(
        () => {
          // Answers come in order: whatever waits behind this one would wait as long.
          this.close(this.#error(`no answer to api ${apiKey} within ${timeoutMs} ms`));
        },
        Math.min(timeoutMs, MAX_TIMER_MS),
      );
      const onAbort = (): void => {
        settle();
        // The answer will come and is dropped then: the connection stays usable.
        reject(abortReason(signal));
      };
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, {
        flexible: flexible && apiKey !== API_VERSIONS,
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      socket.cork();
      socket.write(this.#header(apiKey, version, id, flexible, body.length));
      socket.write(body);
      socket.uncork();
    });
  }

  #header(
    apiKey: number,
    version: number,
    id: number,
    flexible: boolean,
    bodyBytes: number,
  ): Buffer {
    const headerBytes = FIXED_HEADER_BYTES + this.#clientId.length + (flexible ? 1 : 0);
    const header = Buffer.allocUnsafe(headerBytes);
    header.writeInt32BE(headerBytes - 4 + bodyBytes, 0);
    header.writeInt16BE(apiKey, 4);
    header.writeInt16BE(version, 6);
    header.writeInt32BE(id, 8);
    header.writeInt16BE(this.#clientId.length, 12);
    this.#clientId.copy(header, FIXED_HEADER_BYTES);
    if (flexible) header[headerBytes - 1] = NO_TAGS;
    return header;
  }

  async #reauthenticate(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.close(this.#error(`no answer to the re-authentication within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      // Shared by all who ask at the same time.
      await this.#options.connection.authenticate();
    } catch (cause) {
      const refusal = this.#options.refusal(cause);
      this.close(refusal);
      throw refusal;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers go through our frame reader, and kafkajs' check for throttled requests runs only when there are any. */
  #takeOver(connection: KafkaJsConnection): void {
    const queue = connection.requestQueue;
    const schedule = queue.scheduleCheckPendingRequests.bind(queue);
    queue.scheduleCheckPendingRequests = () => {
      // As it is, kafkajs re-arms a timer of 1 ms for ever: 2 % of a core for each idle connection.
      if (queue.pending.length > 0) schedule();
    };
    const frames = new FrameReader(this.#options.maxFrameBytes, this.#pool, (frame) => {
      this.#onFrame(frame);
    });
    const processData = connection.processData.bind(connection);
    connection.processData = (chunk) => {
      if (connection.authHandlers) {
        processData(Buffer.from(chunk)); // it keeps them, and the socket reads into the same memory again
        return;
      }
      try {
        frames.push(chunk);
      } catch (error) {
        this.close(error instanceof Error ? error : new Error(String(error)));
      }
    };
  }

  #onFrame(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0);
    const payload = frame.subarray(4);
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) {
      this.#options.connection.requestQueue.fulfillRequest({
        correlationId,
        payload,
        size: frame.length,
      });
      return;
    }
    // While it is pending, so that an answer which cannot be read fails it with the connection.
    const body = pending.flexible ? withoutTags(payload) : payload;
    this.#pending.delete(correlationId);
    pending.resolve(body);
  }

  #end(reason: Error): void {
    this.#failure ??= reason;
    const error = this.#error(`the connection ended: ${reason.message}`, reason);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#resolveClosed(reason);
  }

  #error(message: string, cause?: unknown): StreamsError {
    return new StreamsError('STREAMS_CLIENT', message, {
      site: { broker: this.#options.broker },
      ...(cause === undefined || cause === null ? {} : { cause }),
    });
  }
}

/** The body of an answer whose header ends in a tag section. */
function withoutTags(payload: Buffer): Buffer {
  if (payload[0] === NO_TAGS) return payload.subarray(1);
  const reader = new Reader(payload);
  reader.begin('response header', 1, true);
  reader.skipTags();
  return payload.subarray(reader.at);
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('aborted');
}
