import { invariant } from '../../common/errors.ts';
import type { TopicPartition } from '../../common/topic-partition.ts';
import type { BrokerEnvironment } from './broker-environment.ts';
import type { BrokerSettings } from './broker-settings.ts';
import { BrokerTimers } from './broker-timers.ts';
import type { Faults } from './faults.ts';
import { GroupCoordinator, hashOf, OFFSETS_TOPIC } from './group-coordinator.ts';
import { Topics } from './topics.ts';
import { TransactionCoordinator, type MarkerTarget } from './transaction-coordinator.ts';

export interface NodeState {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  isUp: boolean;
}

export type CoordinatorKind = 'group' | 'transaction';

/**
 * The state of the whole cluster. All nodes share it: what is one per node is only who leads a partition, who coordinates a
 * group or a transactional id, and whether a node can be reached.
 */
export class ClusterState {
  readonly clusterId: string;
  readonly settings: BrokerSettings;
  readonly environment: BrokerEnvironment;
  readonly timers: BrokerTimers;
  readonly topics: Topics;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly nodes = new Map<number, NodeState>();
  /** Coordinators that were moved, by kind and key. */
  readonly #coordinators = new Map<string, number>();

  constructor(settings: BrokerSettings, environment: BrokerEnvironment, faults: Faults) {
    const { clock, timers, random } = environment;
    this.settings = settings;
    this.environment = environment;
    this.clusterId = random.uuid().replaceAll('-', '').slice(0, 22);
    this.timers = new BrokerTimers(clock, timers);
    this.groups = new GroupCoordinator({ settings, timers: this.timers, random });
    this.topics = new Topics(settings, environment, (topic) => {
      this.groups.onTopicDeleted(topic);
    });
    this.transactions = new TransactionCoordinator({
      settings,
      timers: this.timers,
      targetOf: (partition) => this.#markerTarget(partition),
      markerDelay: (partition, outcome) => faults.markerDelay(partition, outcome),
    });
  }

  /** The node that looks after a group or a transactional id. */
  coordinatorOf(kind: CoordinatorKind, key: string): NodeState {
    const up = [...this.nodes.values()].filter(({ isUp }) => isUp);
    const moved = this.nodes.get(this.#coordinators.get(`${kind} ${key}`) ?? -1);
    const node = moved?.isUp === true ? moved : up[hashOf(key) % up.length];
    invariant(node !== undefined, 'some node of the cluster is up when a request arrives');
    return node;
  }

  moveCoordinator(kind: CoordinatorKind, key: string, node: number): void {
    this.#coordinators.set(`${kind} ${key}`, node);
  }

  /** Another node leads what this one led. */
  moveLeadersFrom(node: number): void {
    const others = [...this.nodes.values()].filter(({ id, isUp }) => isUp && id !== node);
    if (others.length === 0) return;
    for (const { partitions } of this.topics.all()) {
      for (const log of partitions) {
        if (log.leader === node) log.lead((others[log.partition % others.length] as NodeState).id);
      }
    }
  }

  #markerTarget({ topic, partition }: TopicPartition): MarkerTarget | undefined {
    return topic === OFFSETS_TOPIC
      ? this.groups.offsetsPartition(partition)
      : this.topics.log(topic, partition);
  }
}
