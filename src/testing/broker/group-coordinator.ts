import type { Random } from '../../common/clock.ts';
import type { TransactionMarker } from '../../wire/control-batch.ts';
import type { BrokerSettings } from './broker-settings.ts';
import type { BrokerTimers } from './broker-timers.ts';
import { ClassicGroup } from './classic-group.ts';
import { ProducerStates } from './producer-states.ts';
import type { MarkerTarget } from './transaction-coordinator.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';

export interface GroupCoordinatorOptions {
  readonly settings: BrokerSettings;
  readonly timers: BrokerTimers;
  readonly random: Random;
}

/**
 * The groups of the cluster, and the partitions of the offsets topic that they are kept in. A transaction that commits
 * offsets has the partition of the group among its own, and the marker there decides them.
 */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #groups = new Map<string, ClassicGroup>();
  readonly #partitions: readonly OffsetsPartition[];
  #memberCount = 0;

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    this.#partitions = Array.from(
      { length: options.settings.offsetsTopicPartitions },
      (_, index) => new OffsetsPartition(() => this.#groupsOf(index)),
    );
  }

  all(): readonly ClassicGroup[] {
    return [...this.#groups.values()];
  }

  get(groupId: string): ClassicGroup | undefined {
    return this.#groups.get(groupId);
  }

  getOrCreate(groupId: string): ClassicGroup {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      const { settings, timers, random } = this.#options;
      const newMemberId = (prefix: string): string =>
        `${prefix}-${random.uuid().slice(0, 28)}${String(this.#memberCount++).padStart(8, '0')}`;
      group = new ClassicGroup({ groupId, settings, timers, newMemberId });
      this.#groups.set(groupId, group);
    }
    return group;
  }

  delete(groupId: string): void {
    this.#groups.delete(groupId);
  }

  /** The partition of the offsets topic that a group is kept in. */
  partitionOf(groupId: string): number {
    return hashOf(groupId) % this.#partitions.length;
  }

  offsetsPartition(index: number): OffsetsPartition | undefined {
    return this.#partitions[index];
  }

  /** Committed offsets go with their topic. */
  onTopicDeleted(topic: string): void {
    for (const group of this.#groups.values()) group.offsets.deleteTopic(topic);
  }

  #groupsOf(index: number): readonly ClassicGroup[] {
    return this.all().filter(({ groupId }) => this.partitionOf(groupId) === index);
  }
}

/** One partition of the offsets topic, as a transaction sees it. */
export class OffsetsPartition implements MarkerTarget {
  readonly producers = new ProducerStates();
  readonly #groups: () => readonly ClassicGroup[];

  constructor(groups: () => readonly ClassicGroup[]) {
    this.#groups = groups;
  }

  writeMarker({
    type,
    producerId,
    producerEpoch,
    coordinatorEpoch,
    timestampMs,
  }: TransactionMarker): void {
    this.producers.end(producerId, producerEpoch, coordinatorEpoch, timestampMs);
    for (const { offsets } of this.#groups()) offsets.decide(producerId, type);
  }
}

/** Java's `String.hashCode`, made positive: which partition of an internal topic a name belongs to. */
export function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash & 0x7fff_ffff;
}
