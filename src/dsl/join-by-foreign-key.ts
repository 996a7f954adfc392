import { murmur3Of128Bits } from '../common/murmur3.ts';
import { NO_HEADERS } from '../common/record.ts';
import { foreignTableJoin } from '../operators/foreign-table-join.ts';
import { subscriptionJoin } from '../operators/subscription-join.ts';
import { subscriptionReceive } from '../operators/subscription-receive.ts';
import {
  subscriptionResponse,
  type SubscriptionResponseOptions,
} from '../operators/subscription-response.ts';
import { subscriptionSend, type SubscriptionSendOptions } from '../operators/subscription-send.ts';
import { tableSource } from '../operators/table-source.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { Serde } from '../serde/serde.ts';
import {
  subscriptionResponseSerde,
  subscriptionSerde,
  type SubscriptionResponse,
} from '../serde/subscription-serde.ts';
import { subscriptionStoreBuilder } from '../state/stores.ts';
import { eraseSerde } from '../topology/erase.ts';
import { repartitionTopicName } from '../topology/internal-topics.ts';
import { topologyError } from '../topology/topology-error.ts';
import type { LogicalNode, OperatorNode, RepartitionNode } from './logical-node.ts';
import { buildTableStore, storeNameOf } from './materialized.ts';
import type { Grouped, StoreOptions, TableJoined } from './options.ts';
import type { StreamState, TableState } from './stream-state.ts';
import { SourceTable } from './table-logic.ts';

export interface ForeignKeyJoin {
  readonly left: boolean;
  readonly foreignKeyOf: SubscriptionSendOptions<unknown, unknown, unknown>['foreignKeyOf'];
  readonly joiner: SubscriptionResponseOptions<unknown, unknown, unknown, unknown>['joiner'];
  readonly options: Grouped<unknown, unknown> & StoreOptions & TableJoined<unknown, unknown>;
}

/**
 * The table that a join by a foreign key gives. Rows of the left table subscribe, through a topic that is partitioned as
 * the right table is, to the rows they point to; the answers come back through another one.
 *
 * Errors: `STREAMS_TOPOLOGY` where a serde of either table is not known: keys and values of both go through topics.
 * Source: KIP-213, `KTableImpl.doJoinOnForeignKey`.
 */
export function joinByForeignKey(
  table: TableState,
  foreign: TableState,
  { left, foreignKeyOf, joiner, options }: ForeignKeyJoin,
): TableState {
  const { graph } = table;
  foreign.logic.sendOldValues({ force: true });
  table.logic.sendOldValues({ force: true });
  const serdes = {
    key: known(table.key, 'key', table),
    value: known(table.value, 'value', table),
    foreignKey: known(foreign.key, 'key', foreign),
    foreignValue: known(foreign.value, 'value', foreign),
  };
  const name = (prefix: string, suffix: string): string =>
    graph.suffixedName(prefix, suffix, options.name);
  const processor = (
    given: Pick<OperatorNode, 'name' | 'create'> & Partial<OperatorNode>,
    ...parents: readonly LogicalNode[]
  ): OperatorNode =>
    graph.add({ kind: 'operator', stores: () => [], takesNullKeys: false, ...given }, ...parents);

  const topic = `${name(`${FK_JOIN}SUBSCRIPTION-REGISTRATION-`, '-subscription-registration')}-topic`;
  const bytesOf = (serde: Serde<unknown>, suffix: string, isKey: boolean) => {
    return (datum: unknown, applicationId: string): Uint8Array => {
      const site = { topic: `${repartitionTopicName(applicationId, topic)}${suffix}`, isKey };
      return serde.serialize(datum, { ...site, headers: NO_HEADERS });
    };
  };
  const valueToBytes = bytesOf(serdes.value, '-vh', false);
  const hashOf = (value: unknown, applicationId: string): Uint8Array =>
    murmur3Of128Bits(valueToBytes(value, applicationId));

  const send = processor(
    {
      name: name(`${FK_JOIN}SUBSCRIPTION-REGISTRATION-`, '-subscription-registration-processor'),
      create: () =>
        subscriptionSend<unknown, unknown, unknown>({
          foreignKeyOf,
          left,
          foreignKeyToBytes: bytesOf(serdes.foreignKey, '-fk', true),
          hashOf,
        }),
    },
    table.node,
  );
  const subscriptions = subscriptionSerde(serdes.key);
  const registration = graph.add(
    through({
      topic,
      sinkName: name('KTABLE-SINK-', '-subscription-registration-sink'),
      name: name('KTABLE-SOURCE-', '-subscription-registration-source'),
      key: serdes.foreignKey,
      value: eraseSerde(subscriptions),
      partitioner: withoutValue(options.otherPartitioner),
    }),
    send,
  );
  graph.copartition([...foreign.sources, registration.name]);

  const store = name(`${FK_JOIN}SUBSCRIPTION-STATE-STORE-`, '-subscription-store');
  const receive = processor(
    {
      name: name(SUBSCRIPTION_PROCESSOR, '-subscription-receive'),
      create: () => subscriptionReceive<unknown, unknown>(store),
      stores: () => [
        subscriptionStoreBuilder({
          name: store,
          foreignKey: serdes.foreignKey,
          primaryKey: serdes.key,
          value: subscriptions,
        }),
      ],
    },
    registration,
  );
  const foreignView = foreign.logic.view();
  const answer = processor(
    {
      name: name(SUBSCRIPTION_PROCESSOR, '-subscription-join-foreign'),
      create: () => subscriptionJoin<unknown, unknown, unknown>(foreignView),
      stores: () => foreignView.stores,
    },
    receive,
  );
  const tell = processor(
    {
      name: name(SUBSCRIPTION_PROCESSOR, '-foreign-join-subscription'),
      create: () => foreignTableJoin<unknown, unknown, unknown>(store),
      stores: () => [store],
    },
    foreign.node,
  );
  const responseTopic = `${name(`${FK_JOIN}SUBSCRIPTION-RESPONSE-`, '-subscription-response')}-topic`;
  const response = graph.add(
    through({
      topic: responseTopic,
      sinkName: name('KTABLE-SINK-', '-subscription-response-sink'),
      name: name('KTABLE-SOURCE-', '-subscription-response-source'),
      key: serdes.key,
      value: eraseSerde(subscriptionResponseSerde(serdes.foreignValue)),
      partitioner: withoutValue(options.partitioner) ?? backToTheRow,
    }),
    answer,
    tell,
  );
  const sources = [...new Set([...table.sources, response.name])];
  graph.copartition(sources);

  const view = table.logic.view();
  const resolve = processor(
    {
      name: name(
        `${FK_JOIN}SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-`,
        '-subscription-response-resolver',
      ),
      create: () =>
        subscriptionResponse<unknown, unknown, unknown, unknown>({
          table: view,
          joiner,
          left,
          hashOf,
        }),
      stores: () => view.stores,
    },
    response,
  );
  return resultTable({ ...table, node: resolve, sources, repartitionRequired: false }, options);
}

const FK_JOIN = 'KTABLE-FK-JOIN-';
const SUBSCRIPTION_PROCESSOR = `${FK_JOIN}SUBSCRIPTION-PROCESSOR-`;

/** The results as the table that they are the updates of: kept where a store is named, or something needs the rows. */
function resultTable(results: StreamState, options: ForeignKeyJoin['options']): TableState {
  const { graph, sources } = results;
  const name = graph.suffixedName(`${FK_JOIN}OUTPUT-`, '-result', options.name);
  const store = storeNameOf(graph, `${FK_JOIN}OUTPUT-`, options);
  const key = eraseSerde(options.key) ?? results.key;
  const value = eraseSerde(options.value);
  const logic = new SourceTable(store, options);
  const node = graph.add(
    {
      kind: 'operator',
      name,
      create: () =>
        tableSource({
          store: logic.stored ? store : null,
          sendOldValues: logic.sendsOldValues,
          sharedValues: true, // the joiner may have taken parts of the rows
        }),
      stores: () => (logic.stored ? [buildTableStore({ name: store, key, value, options })] : []),
      takesNullKeys: false,
    },
    results.node,
  );
  return { graph, node, key, value, sources, logic, queryableStore: options.store ?? null };
}

function known(serde: Serde<unknown> | null, part: string, { node }: TableState): Serde<unknown> {
  if (serde !== null) return serde;
  throw topologyError(
    `a join by a foreign key sends keys and values of both tables through topics, and no serde for the ${part} of this ` +
      `one is known: pass { ${part}: … } to the call that made it`,
    { node: node.name },
  );
}

function through(
  spec: Pick<RepartitionNode, 'name' | 'topic' | 'sinkName' | 'key' | 'value' | 'partitioner'>,
): RepartitionNode {
  return { kind: 'repartition', filterName: null, partitions: null, ...spec };
}

/** A user's partitioner is told the key alone: what goes with it is the join's own. */
function withoutValue(
  partitioner: TableJoined<unknown, unknown>['partitioner'],
): StreamPartitioner | null {
  if (partitioner === undefined) return null;
  return (topic, key, _value, count, headers) => partitioner(topic, key, null, count, headers);
}

const backToTheRow: StreamPartitioner = (_topic, _key, value) => {
  const { primaryPartition } = value as SubscriptionResponse<unknown>; // what the join sends
  return primaryPartition ?? undefined;
};
