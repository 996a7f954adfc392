import { invariant } from '../../common/errors.ts';
import type { BrokerPlan } from './broker-plan.ts';
import { ClusterHandle, settleAll } from './cluster-handle.ts';
import type { DockerEngine } from './docker-engine.ts';
import { DockerNode } from './docker-node.ts';
import type { KafkaBroker } from './kafka-broker.ts';
import { toolArguments } from './kafka-tools.ts';
import { chooseAddresses, newClusterId } from './server-properties.ts';

/**
 * Starts a cluster of containers of the image `apache/kafka`. testcontainers' reaper removes them when
 * this process dies.
 *
 * Not verified: written against the types of testcontainers 11, where no Docker engine could be had.
 */
export async function startDockerKafka(
  plan: BrokerPlan,
  engine: DockerEngine,
): Promise<KafkaBroker> {
  const { startTimeoutMs, signal } = plan;
  plan.onProgress(`starting ${engine.image} in Docker`);
  const clientHost = engine.client.info.containerRuntime.host;
  const addresses = await chooseAddresses(plan.nodes, (id) => ({
    bind: '0.0.0.0',
    clientHost,
    peerHost: `node-${id}`,
  }));
  const clusterId = newClusterId();
  const network = await new engine.testcontainers.Network().start();
  const nodes = addresses.map(
    (address) => new DockerNode({ engine, plan, network, clusterId, address, addresses }),
  );
  const release = async (): Promise<void> => {
    await settleAll(nodes.map((node) => node.remove()));
    await network.stop();
  };
  const peers = addresses.map(({ peerHost, internalPort }) => `${peerHost}:${internalPort}`);
  try {
    await settleAll(nodes.map((node) => node.start(startTimeoutMs)));
    signal?.throwIfAborted();
    const hasTls = plan.listeners === 'SASL_SSL';
    const certificates = hasTls ? await Promise.all(nodes.map((node) => node.certificate())) : [];
    return new ClusterHandle({
      source: 'docker',
      version: plan.version,
      brokers: addresses.map(({ clientPort }) => `${clientHost}:${clientPort}`),
      ca: hasTls ? certificates.join('\n') : undefined,
      nodes,
      startTimeoutMs,
      release,
      tool: (name, args) => {
        const command = `/opt/kafka/bin/${name.includes('.') ? 'kafka-run-class' : name}.sh`;
        const main = name.includes('.') ? [name] : [];
        const node = nodes.find(({ isRunning }) => isRunning) ?? nodes[0];
        invariant(node !== undefined, 'a cluster has a node');
        return node.exec([command, ...main, ...toolArguments(name, args, peers.join(','))]);
      },
    });
  } catch (error) {
    await release();
    throw error;
  }
}
