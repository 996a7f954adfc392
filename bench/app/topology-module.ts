import type { Topology } from 'millrace';
import type { Workload } from '../data/workloads.ts';
import { Probe } from './probe.ts';
import { topologyOf, type TopologyQuery } from './topologies.ts';

// The measured topologies as a module, for `--threads 2` and more: which of them is in its URL.

const query = JSON.parse(decodeURIComponent(new URL(import.meta.url).hash.slice(1))) as {
  readonly workload: Workload;
} & TopologyQuery; // written by `measuredRun`

export function topology(): Topology {
  return topologyOf(query.workload, { ...query, probe: new Probe(Infinity) });
}
