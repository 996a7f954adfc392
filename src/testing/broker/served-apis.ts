import type { ClusterState } from './cluster-state.ts';
import type { ServedApi } from './handler.ts';
import { serveCluster } from './serve-cluster.ts';
import { serveCommittedOffsets } from './serve-committed-offsets.ts';
import { serveFetch } from './serve-fetch.ts';
import { serveGroups } from './serve-groups.ts';
import { serveInspection } from './serve-inspection.ts';
import { serveOffsets } from './serve-offsets.ts';
import { serveProduce } from './serve-produce.ts';
import { serveTopics } from './serve-topics.ts';
import { serveTransactions } from './serve-transactions.ts';

/** Everything that the embedded broker answers, by API key. */
export function servedApis(cluster: ClusterState): ReadonlyMap<number, ServedApi> {
  const apis = new Map<number, ServedApi>();
  const all = [
    serveProduce(cluster),
    serveFetch(cluster),
    ...serveOffsets(cluster),
    ...serveCluster(cluster, () => apis.values()),
    ...serveTopics(cluster),
    ...serveTransactions(cluster),
    ...serveCommittedOffsets(cluster),
    ...serveGroups(cluster),
    ...serveInspection(cluster),
  ];
  for (const api of all) apis.set(api.key, api);
  return apis;
}
