import { topologyError } from './topology-error.ts';
import type { TopologyPlan } from './topology-plan.ts';

/** As generated from the order of calls: `KSTREAM-JOINTHIS-0000000004-store`, `in-STATE-STORE-0000000000`. */
const GENERATED = /(?:^K(?:STREAM|TABLE)-[A-Z-]+|-STATE-STORE)-\d{10}/;

/**
 * Refuses a plan whose stores, changelogs or repartition topics have generated names: those change with the order of
 * the calls, and what lies under the old ones is then lost.
 *
 * Errors: `STREAMS_TOPOLOGY`, with every such name. Source: KIP-1111, `ensure.explicit.internal.resource.naming`.
 */
export function checkExplicitNames({
  subtopologies,
  repartitionTopics,
  globalStores,
}: TopologyPlan): void {
  const stores = [
    ...subtopologies.flatMap((subtopology) => subtopology.stores),
    ...globalStores.map(({ store }) => store),
  ];
  const generated = [
    ...stores.map(({ name }) => ({ name, as: `the store ${name}: give it a name (\`store\`)` })),
    ...repartitionTopics.map(({ name }) => ({
      name,
      as: `the topic ${name}: name the group, join or repartition (\`name\`)`,
    })),
  ].filter(({ name }) => GENERATED.test(name));
  if (generated.length === 0) return;
  throw topologyError(
    'ensureExplicitInternalResourceNaming is set, and these names are generated from the order of the calls: ' +
      generated.map(({ as }) => as).join('; '),
  );
}
