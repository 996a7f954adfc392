import { createHash } from 'node:crypto';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { TopologyNode, TopologyPlan } from './topology-plan.ts';

/**
 * 32 hex digits that are equal for two plans of the same shape: nodes and their names, edges, topics, stores. What
 * functions and serdes do is not in it, since it cannot be seen.
 */
export function fingerprint(plan: TopologyPlan): string {
  const shape = {
    subtopologies: plan.subtopologies.map(({ id, nodes, stores }) => ({
      id,
      nodes: nodes.map(nodeShape),
      stores: stores.map(storeShape),
    })),
    repartitionTopics: plan.repartitionTopics,
    globalStores: plan.globalStores.map(({ source, processor, store }) => ({
      source: nodeShape(source),
      processor: nodeShape(processor),
      store: storeShape(store),
    })),
  };
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 32);
}

function nodeShape(node: TopologyNode): unknown {
  const { kind, name } = node;
  switch (node.kind) {
    case 'source':
      return { kind, name, topics: node.topics, children: node.children };
    case 'processor':
      return { kind, name, stores: node.stores, children: node.children };
    case 'sink':
      return { kind, name, topic: typeof node.topic === 'string' ? node.topic : null };
  }
}

function storeShape({ name, kind, changelog, retentionMs }: StoreBuilder): unknown {
  return { name, kind, logged: changelog !== null, retentionMs };
}
