import { LevelStateDirectory } from './adapters/level/level-state-directory.ts';
import { systemTimers } from './adapters/node/clock.ts';
import { parseDuration, type Duration } from './common/duration.ts';
import { isStreamsError, StreamsError } from './common/errors.ts';
import type { Failpoints } from './common/failpoints.ts';
import type { Execution } from './execution.ts';
import { inThisThread } from './in-this-thread.ts';
import { inWorkers } from './in-workers.ts';
import type { KafkaStreamsOptions } from './instance-ports.ts';
import type { MetricSample } from './observability/metrics-registry.ts';
import { prometheusText } from './observability/prometheus.ts';
import { LocalKeyValueStore, LocalWindowStore, type StoreProvider } from './query/local-stores.ts';
import { askUncaughtHandler } from './runtime/ask-uncaught-handler.ts';
import type { RestoreListener } from './runtime/restore-listener.ts';
import type { RunningInstance } from './runtime/running-instance.ts';
import type { UncaughtExceptionHandler } from './runtime/streams-config.ts';
import {
  StreamsStateMachine,
  type StateListener,
  type StreamsState,
} from './runtime/streams-state.ts';
import type { ReadOnlyKeyValueStore } from './state/key-value-store.ts';
import type { ManagedStore } from './state/managed-store.ts';
import type { StoreKind } from './state/store-builder.ts';
import type { ReadOnlyWindowStore } from './state/window-store.ts';
import type { TopologyPlan } from './topology/topology-plan.ts';

/** A `Topology`. */
export interface TopologySource {
  plan(): TopologyPlan;
}

/** What the tests of this library put in. Not for applications. */
export interface TestPorts {
  readonly failpoints?: Failpoints;
}

/** How `close` ends an instance. */
export interface CloseOptions {
  /** Default: `closeTimeoutMs` of the config. */
  readonly timeout?: Duration;
  /** Default: true for a dynamic member, false for a static one (`groupInstanceId`), which is expected back. */
  readonly leaveGroup?: boolean;
}

/** What was counted and measured, as of each call (docs/metrics.md). */
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
 * For more than one thread, give the URL of a topology module instead: it exports `topology(builder)`, and options that
 * hold functions (handlers, serdes, `logger`) under their names. Each of `threads` worker threads loads it.
 *
 *     new KafkaStreams(new URL('./topology.js', import.meta.url), { …, threads: 4 });
 *
 * Listeners and the uncaught-exception handler are set before `start`. An instance that was closed, or has failed, cannot
 * be started again.
 *
 * Errors of the constructor: `STREAMS_CONFIG` naming the option, `STREAMS_TOPOLOGY`.
 * Source: `org.apache.kafka.streams.KafkaStreams`. Differs: `start` resolves when the instance is RUNNING.
 */
export class KafkaStreams implements AsyncDisposable {
  readonly #execution: Execution;
  readonly #state: StreamsStateMachine;
  readonly #restoreListeners = new Set<RestoreListener>();
  readonly #opening = new AbortController();
  #uncaughtExceptionHandler: UncaughtExceptionHandler;
  #instance: RunningInstance | null = null;
  /** Settles when nothing of the instance is left; never rejects. */
  #life: Promise<void> = Promise.resolve();
  #closing: Promise<boolean> | null = null;
  #leaveGroup: boolean;
  #error: StreamsError | null = null;
  /** Something failed while it was closing. */
  #wasCutOff = false;

  constructor(
    topology: TopologySource | URL,
    options: KafkaStreamsOptions,
    { failpoints }: TestPorts = {},
  ) {
    this.#execution =
      topology instanceof URL
        ? inWorkers(topology, options)
        : inThisThread(topology.plan(), options, failpoints);
    const { config } = this.#execution;
    this.#uncaughtExceptionHandler = config.uncaughtExceptionHandler;
    this.#leaveGroup = config.groupInstanceId === null;
    this.#state = new StreamsStateMachine((error) => {
      config.logger.warn({ err: error }, 'a state listener threw');
    });
    this.#closeOn(options.signal);
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
    if (!this.#execution.takesFunctions) {
      throw new StreamsError(
        'STREAMS_CONFIG',
        'the handler cannot cross to worker threads: export `uncaughtExceptionHandler` from the topology module',
        { site: { option: 'uncaughtExceptionHandler' } },
      );
    }
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
        timeout === undefined
          ? this.#execution.config.closeTimeoutMs
          : parseDuration(timeout, 'timeout');
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
    await LevelStateDirectory.cleanUp(this.#execution.folder);
  }

  /** Committed data of the tasks that run here; see `LocalKeyValueStore`. */
  store<K, V>(name: string, kind?: 'key-value'): ReadOnlyKeyValueStore<K, V>;
  store<K, V>(name: string, kind: 'window'): ReadOnlyWindowStore<K, V>;
  store<K, V>(
    name: string,
    kind: StoreKind = 'key-value',
  ): ReadOnlyKeyValueStore<K, V> | ReadOnlyWindowStore<K, V> {
    const stores = this.#storeProvider(name);
    return kind === 'window'
      ? new LocalWindowStore<K, V>(name, stores)
      : new LocalKeyValueStore<K, V>(name, stores);
  }

  metrics(): StreamsMetrics {
    const execution = this.#execution;
    return {
      snapshot: () => execution.samples(),
      prometheus: () => prometheusText(execution.samples()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** From start to end; leaves the state NOT_RUNNING or ERROR and nothing open. */
  async #live(): Promise<void> {
    try {
      const instance = await this.#execution.open(
        {
          restoreListener: this.#restoreListener(),
          onRunning: (running) => {
            this.#noteRunning(running);
          },
          onUncaught: (error) =>
            askUncaughtHandler(
              this.#uncaughtExceptionHandler,
              error,
              this.#execution.config.logger,
            ),
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
    const { logger } = this.#execution.config;
    if (this.#closing !== null) {
      // It was asked to end: what that cut off is no failure, and before it was open there was nothing to commit.
      if (this.#instance === null) return;
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
    this.#execution.config.logger.warn(
      { timeoutMs },
      'closing takes too long: what is open is given up',
    );
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

  #storeProvider(name: string): StoreProvider {
    const { storeKinds } = this.#execution;
    if (storeKinds === null) {
      throw new StreamsError(
        'STREAMS_STORE_UNKNOWN',
        'the stores of a topology module live in its worker threads and cannot be read from here: give the topology itself instead of a URL, or write what is to be read to a topic',
        { site: { store: name } },
      );
    }
    return { kinds: storeKinds, find: (store) => this.#findStores(store) };
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

  #restoreListener(): Required<RestoreListener> {
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
