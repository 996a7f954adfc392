import { KafkaClient, type KafkaClientOptions } from '../../src/client/kafka-client.ts';
import type {
  BrokerAddress,
  Channel,
  Lane,
  SendOptions,
  Transport,
} from '../../src/client/transport.ts';
import { StreamsError } from '../../src/common/errors.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';
import type { Api, ApiVersionRange, Complete } from '../../src/wire/api.ts';
import * as messages from '../../src/wire/messages/index.ts';
import { Reader } from '../../src/wire/reader.ts';
import { Writer } from '../../src/wire/writer.ts';
import { VirtualTime, middleRandom } from './virtual-time.ts';

export interface ScriptedRequest<Req> {
  readonly request: Complete<Req>;
  readonly version: number;
  readonly node: number;
  readonly lane: Lane;
}

/**
 * What becomes of a request: an answer; `lost`, carried out but the connection breaks; `cut`, the connection breaks
 * before it arrives; `hang`, nothing comes until the timeout; `garbled`, the answer is no message.
 */
export type Scripted<Res> = Res | 'lost' | 'cut' | 'hang' | 'garbled';

/** No answer of any API is as short. */
const GARBLED = Uint8Array.of(0xff);

type Handler = (asked: ScriptedRequest<unknown>) => unknown;

const APIS: ReadonlyMap<number, Api<unknown, unknown>> = new Map(
  Object.values(messages).flatMap(
    (api): [number, Api<unknown, unknown>][] =>
      'key' in api ? [[api.key, api as Api<unknown, unknown>]] : [], // of what types, its handlers say
  ),
);

/**
 * A cluster in memory that answers from a script, over the real wire format: what `on` says, or what `next` says for the
 * next request of an API. It keeps no state of its own beyond the topics and the list of requests.
 */
export class ScriptedCluster implements Transport {
  readonly time = new VirtualTime();
  /** Every request, as `EndTxn v5@1`, ApiVersions and Metadata left out. */
  readonly log: string[] = [];
  readonly connects: string[] = [];
  /** Answers whose memory was given back. */
  recycled = 0;
  readonly topics = new Map<string, { readonly id: string; readonly leaders: number[] }>();
  nodes: readonly number[] = [1];
  transactionVersion = 2;
  /** Newest version offered, by API name, where it is not our newest. */
  maxVersions: Readonly<Record<string, number>> = {};
  /** Nodes that refuse connections. */
  readonly down = new Set<number>();
  readonly #handlers = new Map<string, Handler>();
  readonly #nexts = new Map<string, unknown[]>();
  readonly #channels = new Set<ScriptedChannel>();

  constructor() {
    this.on(messages.apiVersions, () => ({
      errorCode: 0,
      apiKeys: [...APIS.values()].map((api) => ({
        apiKey: api.key,
        minVersion: api.minVersion,
        maxVersion: this.maxVersions[api.name] ?? api.maxVersion,
      })),
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: 1,
      finalizedFeatures: [
        {
          name: 'transaction.version',
          minVersionLevel: 0,
          maxVersionLevel: this.transactionVersion,
        },
      ],
      zkMigrationReady: false,
    }));
    this.on(messages.metadata, ({ request }) => ({
      throttleTimeMs: 0,
      brokers: this.nodes.map((nodeId) => ({ nodeId, host: 'node', port: nodeId, rack: null })),
      clusterId: 'cluster',
      controllerId: 1,
      topics: (request.topics ?? []).map(({ name }) => this.#topic(name ?? '')),
      clusterAuthorizedOperations: 0,
      errorCode: 0,
    }));
    this.on(messages.findCoordinator, ({ request, version }) => {
      const found = { nodeId: 1, host: 'node', port: 1, errorCode: 0, errorMessage: null };
      const coordinators = request.coordinatorKeys.map((key) => ({ key, ...found }));
      return { throttleTimeMs: 0, ...found, coordinators: version >= 4 ? coordinators : [] };
    });
  }

  /** Answers every request of an API. */
  on<Req, Res>(api: Api<Req, Res>, handler: (asked: ScriptedRequest<Req>) => Scripted<Res>): this {
    // The map holds handlers of all types; each is only called with requests of its own API.
    this.#handlers.set(api.name, handler as Handler);
    return this;
  }

  /** What becomes of the next request of an API, before `on` is asked again; a function changes `on`'s answer. */
  next<Req, Res>(
    api: Api<Req, Res>,
    ...scripted: (Scripted<never> | ((usual: Res) => Res))[]
  ): this {
    this.#nexts.set(api.name, [...(this.#nexts.get(api.name) ?? []), ...scripted]);
    return this;
  }

  /** The next request of an API is carried out, and its answer does not arrive. */
  lose(api: ApiVersionRange): this {
    this.#nexts.set(api.name, [...(this.#nexts.get(api.name) ?? []), 'lost']);
    return this;
  }

  addTopic(name: string, partitions = 1, leader = 1): this {
    const id = Buffer.from(name.padEnd(16).slice(0, 16)).toString('hex');
    this.topics.set(name, { id, leaders: Array.from({ length: partitions }, () => leader) });
    return this;
  }

  connectClient(options: Partial<KafkaClientOptions> = {}): Promise<KafkaClient> {
    return KafkaClient.connect({
      transport: this,
      brokers: this.nodes.map((port) => ({ host: 'node', port })),
      clientId: 'test',
      clock: this.time,
      timers: this.time,
      random: middleRandom,
      logger: SILENT_LOGGER,
      ...options,
    });
  }

  connect(address: BrokerAddress, lane: Lane, _signal?: AbortSignal): Promise<Channel> {
    this.connects.push(`${address.port}/${lane}`);
    if (this.down.has(address.port)) {
      return Promise.reject(new StreamsError('STREAMS_CLIENT', `nobody at ${address.port}`));
    }
    const channel = new ScriptedChannel(
      (apiKey, version, body) => this.#answer(apiKey, version, body, address.port, lane),
      () => this.recycled++,
    );
    this.#channels.add(channel);
    return Promise.resolve(channel);
  }

  /** Breaks every connection. */
  disconnect(): void {
    for (const channel of this.#channels) channel.close(new Error('the broker went away'));
    this.#channels.clear();
  }

  #answer(
    apiKey: number,
    version: number,
    body: Uint8Array,
    node: number,
    lane: Lane,
  ): Scripted<Uint8Array> {
    const api = APIS.get(apiKey);
    const handler = this.#handlers.get(api?.name ?? '');
    if (api === undefined || handler === undefined) {
      throw new Error(`nobody answers api ${apiKey} (${api?.name ?? 'unknown'})`);
    }
    const request = api.readRequest(new Reader(body), version);
    if (!isRoutine(api)) this.log.push(`${api.name} v${version}@${node}`);
    const scripted = this.#nexts.get(api.name)?.shift();
    if (scripted === 'cut' || scripted === 'hang') return scripted;
    if (scripted === 'garbled') return GARBLED;
    const usual = handler({ request, version, node, lane });
    if (scripted === 'lost') return 'lost';
    if (usual === 'garbled') return GARBLED;
    if (usual === 'lost' || usual === 'cut' || usual === 'hang') return usual;
    const response: unknown =
      typeof scripted === 'function' ? (scripted as (answer: unknown) => unknown)(usual) : usual;
    const writer = new Writer();
    api.writeResponse(writer, version, response);
    return writer.finish();
  }

  #topic(name: string): messages.MetadataResponseTopic {
    const topic = this.topics.get(name);
    const leaders = topic?.leaders ?? [];
    return {
      errorCode: topic === undefined ? 3 : 0,
      name,
      topicId: topic?.id ?? '0'.repeat(32),
      isInternal: false,
      partitions: leaders.map((leaderId, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId,
        leaderEpoch: 0,
        replicaNodes: [],
        isrNodes: [],
        offlineReplicas: [],
      })),
      topicAuthorizedOperations: 0,
    };
  }
}

function isRoutine(api: ApiVersionRange): boolean {
  return api.key === messages.apiVersions.key || api.key === messages.metadata.key;
}

class ScriptedChannel implements Channel {
  readonly closed: Promise<Error>;
  readonly #answer: (apiKey: number, version: number, body: Uint8Array) => Scripted<Uint8Array>;
  readonly #onRecycle: () => void;
  #end: (reason: Error) => void = () => undefined;
  #failure: Error | null = null;

  constructor(
    answer: (apiKey: number, version: number, body: Uint8Array) => Scripted<Uint8Array>,
    onRecycle: () => void,
  ) {
    this.#answer = answer;
    this.#onRecycle = onRecycle;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async send(
    apiKey: number,
    version: number,
    body: Uint8Array,
    options: SendOptions,
  ): Promise<Uint8Array> {
    // As on a socket, an answer is never there at once.
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
    if (this.#failure !== null) throw gone(this.#failure.message);
    const answer = this.#answer(apiKey, version, body);
    if (answer === 'hang') {
      return new Promise((_, reject) => {
        void this.closed.then((reason) => {
          reject(gone(reason.message));
        });
        options.signal?.addEventListener('abort', () => {
          reject(options.signal?.reason instanceof Error ? options.signal.reason : gone('aborted'));
        });
      });
    }
    if (typeof answer !== 'string') return answer;
    this.close(new Error('the connection broke'));
    throw gone('the connection broke');
  }

  recycle(): void {
    this.#onRecycle();
  }

  close(error: Error = new Error('closed')): void {
    this.#failure ??= error;
    this.#end(this.#failure);
  }
}

function gone(message: string): StreamsError {
  return new StreamsError('STREAMS_CLIENT', message);
}
