import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamsError } from '../../common/errors.ts';
import type { BrokerPlan } from './broker-plan.ts';
import { makeCertificate } from './certificate.ts';
import { freePorts } from './free-ports.ts';
import { Guardian } from './guardian.ts';
import { JavaNode } from './java-node.ts';
import type { JavaTools } from './java-tools.ts';
import type { KafkaBroker, ToolResult } from './kafka-broker.ts';
import {
  formatArguments,
  newClusterId,
  serverProperties,
  type NodeAddress,
} from './server-properties.ts';

const HOST = '127.0.0.1';

/** Between the choice of a port and its use another process may take it. */
const PORT_TRIES = 3;

/**
 * Starts a cluster of JVMs on this machine.
 *
 *     <tmp>/millrace-kafka-XXXXXX/          removed by the guardian
 *       keystore.p12                    SASL_SSL only, one for all nodes
 *       node-1/server.properties, server.log, data/
 */
export async function startJavaKafka(plan: BrokerPlan, tools: JavaTools): Promise<KafkaBroker> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(plan, tools);
    } catch (error) {
      const wasTaken = error instanceof Error && error.message.includes('Address already in use');
      if (!wasTaken || tries === PORT_TRIES) throw error;
    }
  }
}

async function startOnce(plan: BrokerPlan, tools: JavaTools): Promise<KafkaBroker> {
  const { nodes: count, startTimeoutMs, signal } = plan;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kafka-'));
  const guardian = new Guardian(folder);
  try {
    const command = { guardian, timeoutMs: startTimeoutMs, signal };
    const keystore = join(folder, 'keystore.p12');
    const ca =
      plan.listeners === 'SASL_SSL'
        ? await makeCertificate(tools.runtime.keytool, keystore, command)
        : undefined;
    const addresses = await chooseAddresses(count);
    const clusterId = newClusterId();
    const prepare = async (address: NodeAddress): Promise<JavaNode> => {
      const nodeFolder = join(folder, `node-${address.id}`);
      const propertiesFile = join(nodeFolder, 'server.properties');
      const files = { dataFolder: join(nodeFolder, 'data'), keystore };
      await mkdir(nodeFolder);
      await writeFile(propertiesFile, serverProperties(plan, address, addresses, files));
      const args = formatArguments(plan, clusterId, propertiesFile);
      const formatted = await tools.run('kafka-storage', args, command);
      if (formatted.exitCode !== 0) {
        const output = `${formatted.stdout}${formatted.stderr}`;
        throw new StreamsError('STREAMS_CONFIG', `kafka-storage refused the settings: ${output}`);
      }
      const { java } = tools.runtime;
      return new JavaNode({ id: address.id, java, ...tools.jars, folder: nodeFolder, guardian });
    };
    const nodes = await settleAll(addresses.map(prepare));
    plan.onProgress(
      `starting Apache Kafka ${plan.version} on ${count === 1 ? 'one node' : `${count} nodes`}`,
    );
    await settleAll(nodes.map((node) => node.start(startTimeoutMs, signal)));
    return new JavaKafka({ plan, tools, guardian, addresses, nodes, ca });
  } catch (error) {
    await guardian.close();
    throw error;
  }
}

async function chooseAddresses(count: number): Promise<NodeAddress[]> {
  const ports = await freePorts(3 * count);
  const port = (index: number): number => ports[index] ?? 0; // there are 3 * count
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    bind: HOST,
    clientHost: HOST,
    clientPort: port(3 * index),
    peerHost: HOST,
    internalPort: port(3 * index + 1),
    controllerPort: port(3 * index + 2),
  }));
}

/** Like `Promise.all`, but nothing goes on behind a rejection. */
async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

interface JavaKafkaParts {
  readonly plan: BrokerPlan;
  readonly tools: JavaTools;
  readonly guardian: Guardian;
  readonly addresses: readonly NodeAddress[];
  readonly nodes: readonly JavaNode[];
  readonly ca: string | undefined;
}

class JavaKafka implements KafkaBroker {
  readonly source = 'java';
  readonly brokers: readonly string[];
  readonly version: string;
  readonly ssl?: { readonly ca: string };
  readonly #parts: JavaKafkaParts;
  #stopped: Promise<void> | undefined;

  constructor(parts: JavaKafkaParts) {
    this.#parts = parts;
    this.version = parts.plan.version;
    this.brokers = parts.addresses.map(
      ({ clientHost, clientPort }) => `${clientHost}:${clientPort}`,
    );
    if (parts.ca !== undefined) this.ssl = { ca: parts.ca };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#parts.guardian.close();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async kill(node?: number): Promise<void> {
    await Promise.all(this.#nodes(node).map((each) => each.kill()));
  }

  async start(node?: number): Promise<void> {
    const { startTimeoutMs } = this.#parts.plan;
    await settleAll(this.#nodes(node).map((each) => each.start(startTimeoutMs)));
  }

  async pause(node?: number): Promise<void> {
    for (const each of this.#nodes(node)) each.pause();
    return Promise.resolve();
  }

  async resume(node?: number): Promise<void> {
    for (const each of this.#nodes(node)) each.resume();
    return Promise.resolve();
  }

  async tool(name: string, ...args: string[]): Promise<ToolResult> {
    this.#nodes();
    const { tools, plan, addresses } = this.#parts;
    const internal = addresses.map(({ peerHost, internalPort }) => `${peerHost}:${internalPort}`);
    return tools.runOn(internal.join(','), name, args, { timeoutMs: plan.toolTimeoutMs });
  }

  logTail(lines = 50): string {
    return this.#nodes()
      .map((node) => node.logTail(lines))
      .join('\n');
  }

  #nodes(node?: number): readonly JavaNode[] {
    if (this.#stopped !== undefined) {
      throw new StreamsError(
        'STREAMS_STOPPED',
        'this Kafka broker was stopped; start another with startKafka()',
      );
    }
    const { nodes } = this.#parts;
    if (node === undefined) return nodes;
    const one = nodes[node - 1];
    if (one !== undefined) return [one];
    throw new StreamsError(
      'STREAMS_CONFIG',
      `no Kafka node ${node}: they are counted from 1 to ${nodes.length}`,
    );
  }
}
