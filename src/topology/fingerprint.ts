import { createHash } from 'node:crypto';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { TopologyPlan } from './topology-plan.ts';

/**
 * 32 hex digits that are equal for two plans whose tasks can take each other's place: the same sub-topologies over the same
 * topics with the same stores. Stateless nodes are not in it, nor what functions and serdes do: they may change from
 * one release of an application to the next while instances of both run.
 */
export function fingerprint(plan: TopologyPlan): string {
  const shape = {
    subtopologies: plan.subtopologies.map(({ id, nodes, sourceTopics, stores }) => ({
      id,
      sourceTopics,
      patterns: nodes.flatMap((node) => (node.kind === 'source' ? (node.pattern?.text ?? []) : [])),
      stores: stores.map(storeShape),
    })),
    repartitionTopics: plan.repartitionTopics,
    globalStores: plan.globalStores.map(({ source, store }) => ({
      topics: source.topics,
      store: storeShape(store),
    })),
  };
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 32);
}

function storeShape({ name, kind, changelog, retentionMs }: StoreBuilder): unknown {
  return { name, kind, logged: changelog !== null, from: changelog?.sourceTopic, retentionMs };
}
