import type { Clock, Random, Timers } from '../common/clock.ts';
import { StreamsError, isStreamsError } from '../common/errors.ts';
import { NO_FAILPOINTS, type Failpoints } from '../common/failpoints.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import type { ApiVersionRange } from '../wire/api.ts';
import { findCoordinator } from '../wire/messages/find-coordinator.ts';
import { metadata } from '../wire/messages/metadata.ts';
import type { BackoffOptions } from './backoff.ts';
import type { Answer, BrokerConnection, ClientApi, RequestOptions } from './broker-connection.ts';
import { ClusterMetadata, type TopicInfo } from './cluster-metadata.ts';
import { ConnectionTable } from './connection-table.ts';
import { Coordinators, type CoordinatorType } from './coordinators.ts';
import { retry } from './retry.ts';
import type { BrokerAddress, Lane, Transport } from './transport.ts';

export interface KafkaClientOptions {
  readonly transport: Transport;
  /** Bootstrap addresses; the others are learnt from them. */
  readonly brokers: readonly BrokerAddress[];
  /** For log lines. */
  readonly clientId: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** One request, without the time that the broker is asked to wait. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** TCP, TLS, SASL and the negotiation of versions. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** How long `connect` tries the bootstrap addresses. Default 30 s. */
  readonly bootstrapTimeoutMs?: number;
  /** Makes `connect` give up; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long an operation of several tries may take: an admin call, committed offsets. Default 60 s. */
  readonly apiTimeoutMs?: number;
  /** Default 100 ms. */
  readonly retryBackoffMs?: number;
  /** Default 1 s. */
  readonly retryBackoffMaxMs?: number;
  /** After this long what is known of a topic is asked for again. Default 5 min. */
  readonly metadataMaxAgeMs?: number;
  /** For crash tests. Default: none. */
  readonly failpoints?: Failpoints;
}

/** Who is to get a request. */
export type NodeTarget =
  | { readonly node: number }
  | { readonly any: true }
  | { readonly leader: TopicPartition }
  | { readonly coordinator: CoordinatorType; readonly key: string };

export interface ClientRequestOptions extends Partial<RequestOptions> {
  /** How long the broker may hold the request on purpose; comes on top of the request timeout. */
  readonly waitMs?: number;
}

/**
 * The connections of one thread, or of the admin work, to a cluster: who the brokers, leaders and coordinators are, and one
 * connection for each broker and lane.
 *
 * `send` makes one try. After a failure it forgets what it believed of the target, so that the next try asks again; `retrying`
 * makes several.
 */
export class KafkaClient implements AsyncDisposable {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly backoff: BackoffOptions;
  readonly apiTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly failpoints: Failpoints;
  readonly #options: KafkaClientOptions;
  readonly #connections: ConnectionTable;
  readonly #metadata: ClusterMetadata;
  readonly #coordinators: Coordinators;
  #transactionVersion = 0;
  #isClosed = false;

  private constructor(options: KafkaClientOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.timers = options.timers;
    this.random = options.random;
    this.logger = options.logger;
    this.requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.apiTimeoutMs = options.apiTimeoutMs ?? 60_000;
    this.failpoints = options.failpoints ?? NO_FAILPOINTS;
    this.backoff = {
      firstMs: options.retryBackoffMs ?? 100,
      maxMs: options.retryBackoffMaxMs ?? 1_000,
    };
    this.#connections = new ConnectionTable({
      transport: options.transport,
      clock: options.clock,
      timers: options.timers,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      onOpen: (connection) => {
        // A level is only ever raised; a broker that has not heard of it yet must not lower it.
        const level = connection.features.get('transaction.version') ?? 0;
        this.#transactionVersion = Math.max(this.#transactionVersion, level);
      },
    });
    this.#metadata = new ClusterMetadata({
      clock: options.clock,
      maxAgeMs: options.metadataMaxAgeMs ?? 300_000,
      request: (topics) =>
        this.send({ any: true }, 'admin', metadata, {
          topics: topics.map((name) => ({ name })),
          allowAutoTopicCreation: false,
        }),
    });
    this.#coordinators = new Coordinators({
      request: (request) => this.send({ any: true }, 'admin', findCoordinator, request),
      onBroker: (nodeId, address) => {
        this.#metadata.addBroker(nodeId, address);
      },
    });
  }

  /**
   * Asks the bootstrap addresses, in turn, for the brokers of the cluster.
   *
   * Errors: `STREAMS_CLIENT`, with every address and its reason, when none answers within `bootstrapTimeoutMs`;
   * `STREAMS_AUTHENTICATION` and `STREAMS_BROKER_UNSUPPORTED` at once.
   */
  static async connect(options: KafkaClientOptions): Promise<KafkaClient> {
    const client = new KafkaClient(options);
    const onAbort = (): void => {
      void client.close();
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await retry(
        client,
        {
          what: 'connecting to the cluster',
          backoff: client.backoff,
          deadlineMs: options.bootstrapTimeoutMs ?? 30_000,
          signal: options.signal,
        },
        () => client.#metadata.loadBrokers(),
      );
      return client;
    } catch (error) {
      await client.close();
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  get clusterId(): string {
    return this.#metadata.clusterId;
  }

  /** The finalized level of the feature `transaction.version`; 0 where the cluster has none. */
  get transactionVersion(): number {
    return this.#transactionVersion;
  }

  /** Node ids of the brokers as last seen. */
  get nodes(): readonly number[] {
    return [...this.#metadata.brokers.keys()];
  }

  /** Whether every broker that we have talked to speaks this version. */
  supports(api: ApiVersionRange, version: number): boolean {
    return [...this.#connections.all()].every((connection) => connection.supports(api, version));
  }

  /**
   * Topics by name; undefined for one that does not exist. Never creates one. Answers are kept for `metadataMaxAgeMs`;
   * `refresh` asks anyway.
   */
  topics(
    names: readonly string[],
    { refresh = false }: { readonly refresh?: boolean } = {},
  ): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    return this.#metadata.topics(names, refresh);
  }

  /** What is known of a topic now, without asking. */
  cachedTopic(name: string): TopicInfo | undefined {
    return this.#metadata.cached(name);
  }

  /** True while what is known of the topic is recent and nothing has contradicted it. */
  isFresh(topic: string): boolean {
    return this.#metadata.isFresh(topic);
  }

  /** A broker says that it does not lead the partition, or not this topic: ask again before the next request. */
  forgetTopic(topic: string): void {
    this.#metadata.markStale(topic);
  }

  forgetCoordinator(type: CoordinatorType, key: string): void {
    this.#coordinators.forget(type, key);
  }

  /** Ends one connection; the next request on its lane opens another. */
  resetLane(node: number, lane: Lane): void {
    const address = this.#metadata.brokers.get(node);
    if (address === undefined) return;
    this.#connections
      .peek(address, lane)
      ?.close(new StreamsError('STREAMS_CLIENT', 'the request was given up'));
  }

  /**
   * Sends one request in the newest version that both sides speak (or that `request` is made for), and reads the answer.
   *
   * Errors: `STREAMS_CLIENT` where another try may help (no connection, no leader or coordinator, no answer in time),
   * `STREAMS_BROKER_UNSUPPORTED` where no version fits, `STREAMS_CORRUPT_MESSAGE` for an answer that cannot be read,
   * `STREAMS_AUTHENTICATION`, `STREAMS_STOPPED` after `close`. Error codes inside the answer are the caller's to read.
   */
  async send<Req, Res>(
    target: NodeTarget,
    lane: Lane,
    api: ClientApi<Req, Res>,
    request: Req | ((version: number) => Req),
    options: ClientRequestOptions = {},
  ): Promise<Answer<Res>> {
    const { waitMs = 0, timeoutMs = this.requestTimeoutMs, ...rest } = options;
    try {
      const connection = await this.#connect(target, lane);
      return await connection.send(api, request, { ...rest, timeoutMs: timeoutMs + waitMs });
    } catch (error) {
      if (isStreamsError(error, 'STREAMS_CLIENT')) this.#forget(target);
      throw isStreamsError(error) ? error.at({ api: api.name }) : error;
    }
  }

  /** Calls `attempt` until it succeeds, fails for good, or `deadlineMs` (`apiTimeoutMs`) has passed. */
  retrying<T>(
    what: string,
    attempt: () => Promise<T>,
    options: {
      readonly deadlineMs?: number;
      readonly backoff?: BackoffOptions;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<T> {
    const { deadlineMs = this.apiTimeoutMs, backoff = this.backoff, signal } = options;
    return retry(this, { what, backoff, deadlineMs, signal }, attempt);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#connections.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #connect(target: NodeTarget, lane: Lane): Promise<BrokerConnection> {
    if (this.#isClosed) throw new StreamsError('STREAMS_STOPPED', 'the client was closed');
    if ('any' in target) return this.#connectAny(lane);
    const node = await this.#resolve(target);
    const address = this.#metadata.brokers.get(node);
    if (address === undefined) {
      await this.#metadata.loadBrokers();
      throw new StreamsError(
        'STREAMS_CLIENT',
        `node ${node} is not among the brokers of the cluster`,
      );
    }
    return this.#connections.get(address, lane);
  }

  async #resolve(target: Exclude<NodeTarget, { any: true }>): Promise<number> {
    if ('node' in target) return target.node;
    if ('coordinator' in target) return this.#coordinators.find(target.coordinator, target.key);
    const { topic, partition } = target.leader;
    const info = (await this.topics([topic])).get(topic);
    const leader = info?.partitions[partition]?.leader ?? -1;
    if (leader >= 0) return leader;
    this.#metadata.markStale(topic);
    const problem = info === undefined ? 'the topic does not exist' : 'the partition has no leader';
    throw new StreamsError('STREAMS_CLIENT', problem, { site: { topic, partition } });
  }

  /** One that is connected, else one after the other until one connects. */
  async #connectAny(lane: Lane): Promise<BrokerConnection> {
    const known = [...this.#metadata.brokers.values()];
    const first = Math.floor(this.random.next() * known.length);
    const shuffled = [...known.slice(first), ...known.slice(0, first)];
    for (const address of shuffled) {
      const connection = this.#connections.peek(address, lane);
      if (connection?.isOpen === true) return connection;
    }
    const reasons = new Map<string, string>();
    for (const address of [...shuffled, ...this.#options.brokers]) {
      const name = `${address.host}:${address.port}`;
      if (reasons.has(name)) continue;
      try {
        return await this.#connections.get(address, lane);
      } catch (error) {
        // A wrong password is wrong everywhere; an address may be the wrong one.
        if (!isStreamsError(error, 'STREAMS_CLIENT')) throw error;
        reasons.set(name, error.message);
      }
    }
    const list = [...reasons].map(([name, reason]) => `${name}: ${reason}`).join('; ');
    throw new StreamsError(
      'STREAMS_CLIENT',
      `no broker can be reached. Check \`brokers\` and that they run. ${list}`,
    );
  }

  #forget(target: NodeTarget): void {
    if ('coordinator' in target) this.#coordinators.forget(target.coordinator, target.key);
    if ('leader' in target) this.#metadata.markStale(target.leader.topic);
  }
}
