import type { Readable } from 'node:stream';
import type { StartedNetwork, StartedTestContainer } from 'testcontainers';
import { StreamsError } from '../../common/errors.ts';
import type { BrokerPlan } from './broker-plan.ts';
import { exportArguments, generateArguments } from './certificate.ts';
import type { BrokerNode } from './cluster-handle.ts';
import type { DockerEngine } from './docker-engine.ts';
import type { ToolResult } from './kafka-broker.ts';
import { formatArguments, serverProperties, type NodeAddress } from './server-properties.ts';

const PROPERTIES = '/tmp/server.properties';
const FILES = { dataFolder: '/tmp/kafka-data', keystore: '/tmp/keystore.p12' };
const BIN = '/opt/kafka/bin';
const READY = /Kafka Server started/;
const KEPT_LOG_LINES = 1000;
/** What `timeout` exits with, in coreutils and in busybox. */
const TIMED_OUT = new Set([124, 143]);

export interface DockerNodeOptions {
  readonly engine: DockerEngine;
  readonly plan: BrokerPlan;
  readonly network: StartedNetwork;
  readonly clusterId: string;
  readonly address: NodeAddress;
  readonly addresses: readonly NodeAddress[];
}

/** One broker in a container. A killed container keeps its files and its ports, so `start` resumes it. */
export class DockerNode implements BrokerNode {
  readonly #options: DockerNodeOptions;
  readonly #log: string[] = [];
  #container: StartedTestContainer | undefined;
  #state: 'absent' | 'running' | 'paused' | 'killed' = 'absent';

  constructor(options: DockerNodeOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  async start(timeoutMs: number): Promise<void> {
    if (this.#state === 'running' || this.#state === 'paused') return;
    try {
      if (this.#container === undefined) this.#container = await this.#create(timeoutMs);
      else {
        await this.#container.restart({ timeout: 0 });
        this.#follow(await this.#container.logs({ tail: 0 }));
      }
    } catch (cause) {
      const { id } = this.#options.address;
      const message = `Kafka node ${id} did not start in Docker. Its log ends:\n${this.logTail(30)}\n`;
      throw new StreamsError('STREAMS_CONFIG', message, { cause });
    }
    this.#state = 'running';
  }

  async kill(): Promise<void> {
    if (this.#container === undefined || this.#state === 'killed') return;
    if (this.#state === 'paused') await this.resume(); // Docker may refuse to kill a paused container
    await this.#handle(this.#container).kill();
    this.#state = 'killed';
  }

  async pause(): Promise<void> {
    await this.#handle(this.#running()).pause();
    this.#state = 'paused';
  }

  async resume(): Promise<void> {
    const container = this.#running();
    if (this.#state === 'paused') await this.#handle(container).unpause();
    this.#state = 'running';
  }

  async remove(): Promise<void> {
    if (this.#state === 'paused') await this.resume();
    await this.#container?.stop({ timeout: 0, remove: true, removeVolumes: true });
    this.#container = undefined;
    this.#state = 'absent';
  }

  /** Errors: `STREAMS_CLIENT` if the command runs longer than `toolTimeoutMs`. */
  async exec(command: readonly string[]): Promise<ToolResult> {
    const seconds = Math.ceil(this.#options.plan.toolTimeoutMs / 1000);
    const result = await this.#running().exec(['timeout', String(seconds), ...command]);
    if (!TIMED_OUT.has(result.exitCode)) return result;
    const message = `${command[0] ?? ''} did not end within ${seconds} s; it printed:\n${result.output}`;
    throw new StreamsError('STREAMS_CLIENT', message);
  }

  async certificate(): Promise<string> {
    const { stdout } = await this.exec(['keytool', ...exportArguments(FILES.keystore)]);
    return stdout;
  }

  logTail(lines: number): string {
    return this.#log.slice(-lines).join('\n');
  }

  #create(timeoutMs: number): Promise<StartedTestContainer> {
    const { engine, plan, network, address, addresses } = this.#options;
    const { GenericContainer, Wait } = engine.testcontainers;
    const { clientPort, peerHost } = address;
    return new GenericContainer(engine.image)
      .withNetwork(network)
      .withNetworkAliases(peerHost)
      .withEnvironment({ KAFKA_OPTS: plan.jvmOptions.join(' ') })
      .withExposedPorts({ container: clientPort, host: clientPort })
      .withCopyContentToContainer([
        { content: serverProperties(plan, address, addresses, FILES), target: PROPERTIES },
      ])
      .withEntrypoint(['/bin/sh', '-c', this.#startScript()])
      .withWaitStrategy(Wait.forLogMessage(READY))
      .withStartupTimeout(timeoutMs)
      .withLogConsumer((stream) => {
        this.#follow(stream);
      })
      .start();
  }

  #follow(log: Readable): void {
    log.on('data', (chunk: unknown) => {
      this.#log.push(...String(chunk).trimEnd().split('\n'));
      this.#log.splice(0, this.#log.length - KEPT_LOG_LINES);
    });
  }

  /** Runs at each start of the container: what exists is kept. */
  #startScript(): string {
    const { plan, clusterId } = this.#options;
    const shell = (args: readonly string[]): string => args.map((arg) => `'${arg}'`).join(' ');
    const certificate = `[ -f ${FILES.keystore} ] || keytool ${shell(generateArguments(FILES.keystore))}`;
    return [
      'set -e',
      ...(plan.listeners === 'SASL_SSL' ? [certificate] : []),
      `${BIN}/kafka-storage.sh ${shell(formatArguments(plan, clusterId, PROPERTIES))}`,
      `exec ${BIN}/kafka-server-start.sh ${PROPERTIES}`,
    ].join('\n');
  }

  #running(): StartedTestContainer {
    const isUp = this.#state === 'running' || this.#state === 'paused';
    if (this.#container !== undefined && isUp) return this.#container;
    const { id } = this.#options.address;
    const message = `Kafka node ${id} does not run; start it first`;
    throw new StreamsError('STREAMS_NOT_RUNNING', message);
  }

  /** dockerode's own handle: testcontainers has no kill and no pause. */
  #handle(
    container: StartedTestContainer,
  ): ReturnType<DockerEngine['client']['container']['getById']> {
    return this.#options.engine.client.container.getById(container.getId());
  }
}
