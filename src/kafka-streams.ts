import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCodecs } from './adapters/compression/node-codecs.ts';
import { loadCrc32c } from './adapters/crc/load-crc32c.ts';
import { KafkaJsTransport, type KafkaJsTransportOptions } from './adapters/kafkajs/transport.ts';
import {
  LevelStateDirectory,
  type LevelStateDirectoryOptions,
} from './adapters/level/level-state-directory.ts';
import { systemClock, systemRandom, systemTimers } from './adapters/node/clock.ts';
import { checkCluster } from './client/cluster-requirements.ts';
import { parseDuration, type Duration } from './common/duration.ts';
import { isStreamsError, StreamsError } from './common/errors.ts';
import { NO_FAILPOINTS, type Failpoints } from './common/failpoints.ts';
import { MetricsRegistry, type MetricSample } from './observability/metrics-registry.ts';
import { prometheusText } from './observability/prometheus.ts';
import { LocalKeyValueStore, LocalWindowStore, type StoreProvider } from './query/local-stores.ts';
import { isExactlyOnce, type InstancePorts } from './runtime/instance-context.ts';
import type { RestoreListener } from './runtime/restore-listener.ts';
import {
  parseStreamsConfig,
  type StreamsConfig,
  type StreamsOptions,
  type UncaughtExceptionHandler,
  type UncaughtExceptionResponse,
} from './runtime/streams-config.ts';
import { StreamsInstance } from './runtime/streams-instance.ts';
import {
  StreamsStateMachine,
  type StateListener,
  type StreamsState,
} from './runtime/streams-state.ts';
import type { ReadOnlyKeyValueStore } from './state/key-value-store.ts';
import type { ManagedStore } from './state/managed-store.ts';
import { MemoryStateDirectory } from './state/memory-state-directory.ts';
import type { StoreKind } from './state/store-builder.ts';
import type { ReadOnlyWindowStore } from './state/window-store.ts';
import type { TopologyPlan } from './topology/topology-plan.ts';
import {
  COMPRESSION_NAMES,
  type CompressionCodecs,
  type CompressionName,
} from './wire/compression.ts';
import { RecordCursor } from './wire/record-cursor.ts';

/** Options of the streams application, and of its connections. */
export type KafkaStreamsOptions = StreamsOptions & {
  /** As in kafkajs: true, or options of `tls.connect`. */
  readonly ssl?: KafkaJsTransportOptions['ssl'];
  /** As in kafkajs: mechanism and credentials. */
  readonly sasl?: KafkaJsTransportOptions['sasl'];
  /** Codecs beyond gzip (and zstd where Node has it), for `compressionType` and for what is read. */
  readonly codecs?: CompressionCodecs;
  /** When it aborts, the instance is closed. */
  readonly signal?: AbortSignal;
};

/** A `Topology`. */
export interface TopologySource {
  plan(): TopologyPlan;
}

/** What the tests of this library put in. Not for applications. */
export interface TestPorts {
  readonly failpoints?: Failpoints;
}

export interface CloseOptions {
  /** Default: `closeTimeoutMs` of the config. */
  readonly timeout?: Duration;
  /** Default: true for a dynamic member, false for a static one (`groupInstanceId`), which is expected back. */
  readonly leaveGroup?: boolean;
}

export interface StreamsMetrics {
  snapshot(): readonly MetricSample[];
  /** Prometheus' text format. */
  prometheus(): string;
}

/**
 * One instance of a stream processing application. Start as many as there are partitions to share; they find each other
 * through the group that the application id names.
 *
 *     const streams = new KafkaStreams(builder.build(), { applicationId: 'counts', brokers: ['localhost:9092'] });
 *     await streams.start();
 *     …
 *     await streams.close();
 *
 * Listeners and the uncaught-exception handler are set before `start`. An instance that was closed, or has failed, cannot
 * be started again.
 *
 * Errors of the constructor: `STREAMS_CONFIG` naming the option, `STREAMS_TOPOLOGY`.
 * Source: `org.apache.kafka.streams.KafkaStreams`. Differs: `start` resolves when the instance is RUNNING.
 */
export class KafkaStreams implements AsyncDisposable {
  readonly #plan: TopologyPlan;
  readonly #config: StreamsConfig;
  readonly #ports: InstancePorts;
  readonly #folder: LevelStateDirectoryOptions;
  readonly #metrics: MetricsRegistry;
  readonly #tags: Readonly<Record<string, string>>;
  readonly #state: StreamsStateMachine;
  readonly #stores: StoreProvider;
  readonly #restoreListeners = new Set<RestoreListener>();
  readonly #opening = new AbortController();
  #uncaughtExceptionHandler: UncaughtExceptionHandler;
  #instance: StreamsInstance | null = null;
  /** Settles when nothing of the instance is left; never rejects. */
  #life: Promise<void> = Promise.resolve();
  #closing: Promise<boolean> | null = null;
  #leaveGroup: boolean;
  #error: StreamsError | null = null;
  /** Something failed while it was closing. */
  #wasCutOff = false;

  constructor(
    topology: TopologySource,
    options: KafkaStreamsOptions,
    { failpoints = NO_FAILPOINTS }: TestPorts = {},
  ) {
    const { ssl, sasl, codecs = nodeCodecs(), signal, ...streamsOptions } = options;
    const config = parseStreamsConfig(streamsOptions);
    this.#config = config;
    this.#plan = topology.plan();
    this.#uncaughtExceptionHandler = config.uncaughtExceptionHandler;
    this.#leaveGroup = config.groupInstanceId === null;
    this.#metrics = new MetricsRegistry();
    const clientId = config.clientId === '' ? config.applicationId : config.clientId;
    this.#tags = { 'client-id': clientId, 'thread-id': `${clientId}-StreamThread-1` };
    this.#folder = {
      stateDir: config.stateDir ?? join(tmpdir(), 'millrace'),
      applicationId: config.applicationId,
      levelMemoryMaxBytes: config.levelMemoryMaxBytes,
      levelMaxOpenFiles: config.levelMaxOpenFiles,
      random: systemRandom,
      logger: config.logger,
      metrics: this.#metrics,
      failpoints,
    };
    this.#ports = {
      transport: new KafkaJsTransport({
        clientId,
        ssl,
        sasl,
        connectTimeoutMs: config.connectTimeoutMs,
      }),
      openFolder: () => LevelStateDirectory.open(this.#folder),
      memory: new MemoryStateDirectory(systemRandom.uuid()),
      loadCrc32c,
      codecs,
      compression: compressionOf(config, codecs),
      createCursor: (site) =>
        new RecordCursor({ codecs, maxDecompressedBytes: config.fetchMaxBytes, site }),
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      failpoints,
    };
    this.#state = new StreamsStateMachine((error) => {
      config.logger.warn({ err: error }, 'a state listener threw');
    });
    this.#stores = { kinds: kindsOf(this.#plan), find: (name) => this.#findStores(name) };
    this.#closeOn(signal);
  }

  get state(): StreamsState {
    return this.#state.state;
  }

  /** What made the state ERROR. */
  get error(): StreamsError | null {
    return this.#error;
  }

  /** Returns a function that takes the listener away. */
  onStateChange(listener: StateListener): () => void {
    return this.#state.onChange(listener);
  }

  /** Returns a function that takes the listener away. */
  onRestore(listener: RestoreListener): () => void {
    this.#requireCreated('onRestore');
    this.#restoreListeners.add(listener);
    return () => this.#restoreListeners.delete(listener);
  }

  setUncaughtExceptionHandler(handler: UncaughtExceptionHandler): void {
    this.#requireCreated('setUncaughtExceptionHandler');
    this.#uncaughtExceptionHandler = handler;
  }

  /**
   * Resolves when the state is RUNNING: connected, a member of the group, every task that it was given restored.
   *
   * Rejects with what makes that impossible (the state is ERROR then), with `STREAMS_STOPPED` when `close` comes first, and
   * with the signal's reason when that aborts. Nothing is left open then.
   */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#requireCreated('start');
    signal?.throwIfAborted();
    this.#closeOn(signal);
    const running = this.#reachesRunning();
    this.#state.moveTo('REBALANCING');
    this.#life = this.#live();
    const reached = await running;
    if (reached) return;
    await this.#life;
    await this.#closing;
    signal?.throwIfAborted();
    throw (
      this.#error ?? new StreamsError('STREAMS_STOPPED', 'the instance was closed before it ran')
    );
  }

  /**
   * Commits what is processed, leaves the group, closes everything. Can be called at any time, any number of times. Resolves
   * with false where the last commit failed or the timeout came first: what was open is aborted then, which loses nothing.
   *
   * Do not await it in a processor or a handler, which it waits for itself.
   */
  close({ timeout, leaveGroup }: CloseOptions = {}): Promise<boolean> {
    if (this.#closing === null) {
      const timeoutMs =
        timeout === undefined ? this.#config.closeTimeoutMs : parseDuration(timeout, 'timeout');
      this.#leaveGroup = leaveGroup ?? this.#leaveGroup;
      this.#closing = this.#shutDown(timeoutMs);
    }
    return this.#closing;
  }

  /**
   * Deletes the local state of this application: the next start restores it from the changelogs.
   *
   * Errors: `STREAMS_NOT_RUNNING` while the instance is active, `STREAMS_STATE_LOCKED` while another process uses the folder.
   */
  async cleanUp(): Promise<void> {
    if (this.#state.isActive || this.#state.state.startsWith('PENDING')) {
      throw new StreamsError(
        'STREAMS_NOT_RUNNING',
        `cleanUp() deletes what this instance is using: call it before start() or after close(), not in state ${this.state}`,
      );
    }
    await LevelStateDirectory.cleanUp(this.#folder);
  }

  /** Committed data of the tasks that run here; see `LocalKeyValueStore`. */
  store<K, V>(name: string, kind?: 'key-value'): ReadOnlyKeyValueStore<K, V>;
  store<K, V>(name: string, kind: 'window'): ReadOnlyWindowStore<K, V>;
  store<K, V>(
    name: string,
    kind: StoreKind = 'key-value',
  ): ReadOnlyKeyValueStore<K, V> | ReadOnlyWindowStore<K, V> {
    return kind === 'window'
      ? new LocalWindowStore<K, V>(name, this.#stores)
      : new LocalKeyValueStore<K, V>(name, this.#stores);
  }

  metrics(): StreamsMetrics {
    const metrics = this.#metrics;
    return {
      snapshot: () => metrics.snapshot(),
      prometheus: () => prometheusText(metrics.snapshot()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** From start to end; leaves the state NOT_RUNNING or ERROR and nothing open. */
  async #live(): Promise<void> {
    try {
      const instance = await StreamsInstance.open(
        {
          plan: this.#plan,
          config: this.#config,
          ports: this.#ports,
          metrics: this.#metrics,
          tags: this.#tags,
          restoreListener: this.#restoreListener(),
          checkCluster: (client) => {
            checkCluster(client, { exactlyOnce: isExactlyOnce(this.#config) });
          },
          onRunning: (running) => {
            this.#noteRunning(running);
          },
          onUncaught: (error) => this.#askUncaughtHandler(error),
        },
        this.#opening.signal,
      );
      this.#instance = instance;
      if (this.#closing !== null) instance.stop();
      try {
        await instance.run();
      } finally {
        try {
          // Also where it failed: the others need not wait for the session of a member that will not come back.
          if (this.#leaveGroup) await instance.leaveGroup();
        } finally {
          await instance.close();
        }
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#instance = null;
      this.#ended();
    }
  }

  #failed(error: unknown): void {
    const { logger } = this.#config;
    if (this.#closing !== null) {
      // It was asked to end: what that cut off is no failure.
      logger.warn({ err: error }, 'the instance ended with something uncommitted');
      this.#wasCutOff = true;
      return;
    }
    this.#error = isStreamsError(error)
      ? error
      : new StreamsError('STREAMS_INVARIANT', 'the instance failed', { cause: error });
    logger.error({ err: this.#error }, 'the instance has failed');
    this.#state.moveTo('PENDING_ERROR');
  }

  #ended(): void {
    this.#state.moveTo(this.#error === null ? 'PENDING_SHUTDOWN' : 'PENDING_ERROR');
    this.#state.moveTo(this.#error === null ? 'NOT_RUNNING' : 'ERROR');
  }

  async #shutDown(timeoutMs: number): Promise<boolean> {
    if (this.#state.canMoveTo('PENDING_SHUTDOWN')) {
      const wasCreated = this.state === 'CREATED';
      this.#state.moveTo('PENDING_SHUTDOWN');
      if (wasCreated) this.#state.moveTo('NOT_RUNNING');
    }
    this.#opening.abort(new StreamsError('STREAMS_STOPPED', 'the instance was closed'));
    this.#instance?.stop();
    const timeout = new AbortController();
    const inTime = await Promise.race([
      this.#life.then(() => true),
      systemTimers.sleep(timeoutMs, timeout.signal).then(
        () => false,
        () => true,
      ),
    ]);
    timeout.abort();
    if (inTime) return !this.#wasCutOff;
    this.#config.logger.warn({ timeoutMs }, 'closing takes too long: what is open is given up');
    // Without connections whatever it waits for fails.
    await this.#instance?.close();
    return false;
  }

  #noteRunning(running: boolean): void {
    if (this.#state.isActive) this.#state.moveTo(running ? 'RUNNING' : 'REBALANCING');
  }

  /** True at RUNNING, false when the instance ends before that. */
  #reachesRunning(): Promise<boolean> {
    return new Promise((resolve) => {
      const stop = this.onStateChange((state) => {
        if (state === 'REBALANCING') return;
        stop();
        resolve(state === 'RUNNING');
      });
    });
  }

  #askUncaughtHandler(error: StreamsError): UncaughtExceptionResponse {
    const { logger } = this.#config;
    // Another instance has asked all of them to stop: there is nothing to decide.
    if (error.code === 'STREAMS_STOPPED') return 'shutdownClient';
    try {
      return this.#uncaughtExceptionHandler(error);
    } catch (thrown) {
      logger.error({ err: thrown }, 'the uncaught-exception handler threw: shutting down');
      return 'shutdownClient';
    }
  }

  #findStores(name: string): readonly ManagedStore[] {
    if (!this.#state.isActive) {
      throw new StreamsError(
        'STREAMS_NOT_RUNNING',
        `stores can be read while the instance runs; its state is ${this.state}`,
        { site: { store: name } },
      );
    }
    const stores = this.#instance?.stores(name) ?? null;
    if (stores !== null) return stores;
    throw new StreamsError(
      'STREAMS_STORE_NOT_READY',
      'the tasks of this instance are being restored or moved: try again when the state is RUNNING',
      { site: { store: name } },
    );
  }

  #restoreListener(): RestoreListener {
    const tell = (kind: keyof RestoreListener): Required<RestoreListener>[typeof kind] => {
      return (event) => {
        for (const listener of this.#restoreListeners) listener[kind]?.(event);
      };
    };
    return { start: tell('start'), batch: tell('batch'), end: tell('end') };
  }

  #requireCreated(method: string): void {
    if (this.state === 'CREATED') return;
    throw new StreamsError(
      'STREAMS_NOT_RUNNING',
      `${method}() belongs before the start of an instance, and this one is ${this.state}: make another`,
    );
  }

  #closeOn(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const close = (): void => {
      void this.close();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  }
}

function kindsOf({ subtopologies, globalStores }: TopologyPlan): ReadonlyMap<string, StoreKind> {
  const builders = [
    ...subtopologies.flatMap(({ stores }) => stores),
    ...globalStores.map(({ store }) => store),
  ];
  return new Map(builders.map(({ name, kind }) => [name, kind]));
}

/** Errors: `STREAMS_CONFIG` for a name that Kafka does not have, `STREAMS_CODEC_MISSING` for one without a codec. */
function compressionOf(
  { compressionType }: StreamsConfig,
  codecs: CompressionCodecs,
): CompressionName {
  const name = COMPRESSION_NAMES.find((known) => known === compressionType);
  const site = { option: 'compressionType' };
  if (name === undefined) {
    throw new StreamsError(
      'STREAMS_CONFIG',
      `compressionType: '${compressionType}' is none of ${COMPRESSION_NAMES.join(', ')}`,
      { site },
    );
  }
  if (name !== 'none') codecs.get(name, site);
  return name;
}
