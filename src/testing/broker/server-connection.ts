import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { apiVersions } from '../../wire/messages/api-versions.ts';
import {
  readRequestHeader,
  writeResponseHeader,
  type RequestHeader,
} from '../../wire/message-headers.ts';
import { Reader } from '../../wire/reader.ts';
import { Writer } from '../../wire/writer.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Fault, Faults, FaultyConnection } from './faults.ts';
import type { ServedApi } from './handler.ts';

/** The other end: a socket, or a channel in this process. Frames come and go without their length. */
export interface Peer {
  send(frame: Uint8Array): void;
  /** The broker hangs up. */
  end(reason: Error): void;
}

export interface ServerConnectionOptions {
  readonly cluster: ClusterState;
  readonly apis: ReadonlyMap<number, ServedApi>;
  readonly faults: Faults;
  readonly node: number;
  readonly peer: Peer;
  /** Called once, when the connection is over. */
  readonly onEnd: (connection: ServerConnection) => void;
}

interface ReceivedRequest {
  readonly api: ServedApi;
  readonly header: RequestHeader;
  readonly request: unknown;
}

/**
 * One connection of a client to one node. As a broker does, it takes the next request only when the one before has been
 * answered, hangs up on what it cannot read and on a version that it does not have, and answers ApiVersions of an unknown
 * version in version 0. The faults are asked about every request.
 */
export class ServerConnection implements FaultyConnection {
  clientId = '';
  readonly node: number;
  readonly #options: ServerConnectionOptions;
  readonly #waiting: Uint8Array[] = [];
  readonly #gone = new AbortController();
  #isBusy = false;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.node = options.node;
  }

  /** A request has come, whole; its bytes belong to the broker from now on. */
  receive(frame: Uint8Array): void {
    if (this.#gone.signal.aborted) return;
    this.#waiting.push(frame);
    if (!this.#isBusy) void this.#work();
  }

  /** The client has gone. */
  close(): void {
    this.#leave();
  }

  end(reason: Error): void {
    if (this.#gone.signal.aborted) return;
    this.#leave();
    this.#options.peer.end(reason);
  }

  #leave(): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.#waiting.length = 0;
    this.#options.onEnd(this);
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (;;) {
      const frame = this.#waiting.shift();
      if (frame === undefined) break;
      try {
        await this.#take(frame);
      } catch (error) {
        this.end(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#isBusy = false;
  }

  async #take(frame: Uint8Array): Promise<void> {
    const { faults } = this.#options;
    const received = this.#read(frame);
    if (received === null) return;
    const { api, header, request } = received;
    await faults.untilAwake(this.clientId);
    const { version } = header;
    const { clientId, node } = this;
    const fault = faults.decide(api.key, { api: api.name, version, node, clientId, request });
    if (fault === null) {
      await this.#reply(received, await this.#serve(received));
      return;
    }
    await this.#suffer(fault, received);
  }

  async #suffer(fault: Fault, received: ReceivedRequest): Promise<void> {
    const { timers } = this.#options.cluster;
    const { delayRequest, lose, silently = false, delayAnswer, repeatAfter } = fault;
    if (delayRequest !== undefined) await timers.wait(delayRequest);
    if (repeatAfter !== undefined) {
      void timers.wait(repeatAfter).then(() => this.#serve(received));
    }
    const answer = lose === 'request' ? null : await this.#serve(received);
    if (lose !== undefined) {
      if (!silently) this.end(new Error(`the ${lose} was lost`));
      return;
    }
    if (delayAnswer !== undefined) await timers.wait(delayAnswer);
    await this.#reply(received, answer);
  }

  #serve({ api, header, request }: ReceivedRequest): Promise<Uint8Array | null> {
    const { node, clientId } = this;
    const { signal } = this.#gone;
    return api.serve(request, { node, clientId, version: header.version, signal });
  }

  /** Null where the answer is given, or the connection over, already. */
  #read(frame: Uint8Array): ReceivedRequest | null {
    const { apis, faults } = this.#options;
    const reader = new Reader(frame);
    const header = readRequestHeader(reader, (key, version) => {
      const from = apis.get(key)?.flexibleFrom ?? Infinity;
      return version >= from;
    });
    this.clientId = header.clientId ?? '';
    if (faults.isCrashed(this.clientId)) {
      this.end(new Error(`${this.clientId} has crashed`));
      return null;
    }
    const { apiKey, version } = header;
    const api = apis.get(apiKey);
    if (api !== undefined && version >= api.minVersion && version <= api.maxVersion) {
      return { api, header, request: api.parse(reader, version) };
    }
    if (apiKey === apiVersions.key) this.#refuseVersion(header);
    else this.end(new Error(`version ${version} of api ${apiKey} is not served`));
    return null;
  }

  #refuseVersion({ correlationId }: RequestHeader): void {
    const { key, minVersion, maxVersion } = apiVersions;
    const writer = new Writer();
    writeResponseHeader(writer, correlationId, false);
    apiVersions.writeResponse(writer, 0, {
      errorCode: ERROR.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: key, minVersion, maxVersion }],
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: -1,
      finalizedFeatures: [],
      zkMigrationReady: false,
    });
    this.#options.peer.send(writer.finish());
  }

  async #reply({ api, header }: ReceivedRequest, body: Uint8Array | null): Promise<void> {
    await this.#options.faults.untilAwake(this.clientId);
    if (body === null || this.#gone.signal.aborted) return;
    const writer = new Writer(body.length + 16);
    // The answer that says which versions there are has to be readable before.
    const isFlexible = header.version >= api.flexibleFrom && api.key !== apiVersions.key;
    writeResponseHeader(writer, header.correlationId, isFlexible);
    writer.raw(body);
    this.#options.peer.send(writer.finish());
  }
}
