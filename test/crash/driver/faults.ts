import { FAILPOINTS, type Failpoint } from '../../../src/common/failpoints.ts';
import type { Chance } from './chance.ts';

/** What is done to one process. */
export type Fault =
  | { readonly kind: 'failpoint'; readonly point: Failpoint; readonly tries: number }
  | { readonly kind: 'random kill' }
  | { readonly kind: 'pause' };

/** What one round does, besides the rebalances that all of it brings. */
export interface Profile {
  /** Each failpoint so often. */
  readonly eachFailpoint: number;
  readonly randomKills: number;
  readonly pauses: number;
  readonly brokerRestarts: number;
}

/** The faults of a round in a random order, in as many parts as the broker's restarts leave. */
export function planFaults(profile: Profile, chance: Chance): readonly (readonly Fault[])[] {
  const faults: Fault[] = [
    ...Array.from({ length: profile.eachFailpoint }, () => FAILPOINTS)
      .flat()
      .map((point) => ({ kind: 'failpoint', point, tries: 0 }) as const),
    ...Array.from({ length: profile.randomKills }, () => ({ kind: 'random kill' }) as const),
    ...Array.from({ length: profile.pauses }, () => ({ kind: 'pause' }) as const),
  ];
  const shuffled = chance.shuffled(faults);
  const parts = profile.brokerRestarts + 1;
  const length = Math.ceil(shuffled.length / parts);
  return Array.from({ length: parts }, (_, part) =>
    shuffled.slice(part * length, (part + 1) * length),
  );
}

/** A process meets these only when it starts, the last ones with stores to restore. */
export function needsRestart(point: Failpoint): boolean {
  return point === 'group.join' || point.startsWith('restore.');
}
