import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamsError } from '../../common/errors.ts';
import type { BrokerPlan } from './broker-plan.ts';
import { makeCertificate } from './certificate.ts';
import { ClusterHandle, settleAll } from './cluster-handle.ts';
import { Guardian } from './guardian.ts';
import { JavaNode } from './java-node.ts';
import type { JavaTools } from './java-tools.ts';
import type { KafkaBroker } from './kafka-broker.ts';
import {
  chooseAddresses,
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
    const addresses = await chooseAddresses(count, () => ({
      bind: HOST,
      clientHost: HOST,
      peerHost: HOST,
    }));
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
      return new JavaNode({
        id: address.id,
        java,
        ...tools.jars,
        jvmOptions: plan.jvmOptions,
        folder: nodeFolder,
        guardian,
      });
    };
    const nodes = await settleAll(addresses.map(prepare));
    plan.onProgress(
      `starting Apache Kafka ${plan.version} on ${count === 1 ? 'one node' : `${count} nodes`}`,
    );
    await settleAll(nodes.map((node) => node.start(startTimeoutMs, signal)));
    const peers = addresses.map(({ peerHost, internalPort }) => `${peerHost}:${internalPort}`);
    return new ClusterHandle({
      source: 'java',
      version: plan.version,
      brokers: addresses.map(({ clientHost, clientPort }) => `${clientHost}:${clientPort}`),
      ca,
      nodes,
      startTimeoutMs,
      release: () => guardian.close(),
      tool: (name, args) =>
        tools.runOn(peers.join(','), name, args, { timeoutMs: plan.toolTimeoutMs }),
    });
  } catch (error) {
    await guardian.close();
    throw error;
  }
}
