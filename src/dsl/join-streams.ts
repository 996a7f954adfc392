import type { JoinWindows } from '../common/join-windows.ts';
import { JoinTime } from '../operators/join-time.ts';
import { joinWindow } from '../operators/join-window.ts';
import { passThrough } from '../operators/pass-through.ts';
import {
  streamStreamJoin,
  type JoinSide,
  type StreamJoiner,
  type StreamStreamJoinOptions,
} from '../operators/stream-stream-join.ts';
import { streamSelfJoin } from '../operators/stream-self-join.ts';
import type { Shared } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import { eraseSerde } from '../topology/erase.ts';
import type { JoinKind } from './join-tables.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { OperatorNode } from './logical-node.ts';
import { buildJoinStore, buildOuterJoinStore } from './materialized.ts';
import type { SerdePart, StreamJoined } from './options.ts';
import { repartitionForJoin } from './repartition-for-join.ts';
import type { StreamState } from './stream-state.ts';

export interface StreamJoin {
  readonly kind: JoinKind;
  readonly joiner: StreamJoiner<unknown, unknown, unknown, unknown>;
  readonly windows: JoinWindows;
  readonly options: StreamJoined<unknown, unknown, unknown, SerdePart, SerdePart>;
}

const LONE_SIDES: Readonly<Record<JoinKind, readonly JoinSide[]>> = {
  inner: [],
  left: ['left'],
  outer: ['left', 'right'],
};

/**
 * The stream that a windowed join of two streams gives. Either is repartitioned first where its key has changed.
 *
 * Source: `KStreamImpl.doJoin`, `KStreamImplJoin.join`, `StreamStreamJoinNode`.
 */
export function joinStreams(
  leftAsGiven: StreamState,
  rightAsGiven: StreamState,
  { kind, joiner, windows, options }: StreamJoin,
): StreamState {
  const { graph } = leftAsGiven;
  const key = eraseSerde(options.key) ?? leftAsGiven.key ?? rightAsGiven.key;
  const given = { name: options.name, key };
  const left = partitioned(leftAsGiven, '-left', { ...given, value: eraseSerde(options.value) });
  const right = partitioned(rightAsGiven, '-right', {
    ...given,
    value: eraseSerde(options.otherValue),
  });
  const sources = [...new Set([...left.sources, ...right.sources])];
  graph.copartition(sources);

  const names = joinNames(graph, kind, options);
  const plan = { key, windows, options };
  const leftPlan = { ...plan, name: names.left.store, value: left.value };
  const rightPlan = { ...plan, name: names.right.store, value: right.value };
  addWindow(left, names.left);
  const rightWindow = addWindow(right, names.right);

  const time: Shared<JoinTime> = { create: () => new JoinTime() };
  const pendingStore = names.pendingStore;
  const side = (own: Pick<SideOptions, 'side' | 'otherStore'>) => () =>
    streamStreamJoin({
      windows,
      joiner,
      loneSides: LONE_SIDES[kind],
      pendingStore,
      time,
      ...own,
    });
  const node = graph.add(
    {
      kind: 'join',
      name: names.merge,
      processors: [
        {
          name: names.left.join,
          parents: [names.left.window],
          create: side({ side: 'left', otherStore: names.right.store }),
        },
        {
          name: names.right.join,
          parents: [names.right.window],
          create: side({ side: 'right', otherStore: names.left.store }),
        },
        { name: names.merge, parents: [names.left.join, names.right.join], create: passThrough },
      ],
      stores: () => [
        { store: buildJoinStore(leftPlan), processors: [names.left.window, names.right.join] },
        { store: buildJoinStore(rightPlan), processors: [names.right.window, names.left.join] },
        ...(pendingStore === null
          ? []
          : [
              {
                store: buildOuterJoinStore(pendingStore, leftPlan, rightPlan),
                processors: [names.left.join, names.right.join],
              },
            ]),
      ],
      takesNullKeys: kind !== 'inner',
      selfJoin: holdsItself(windows)
        ? {
            without: rightWindow,
            processors: [
              {
                name: names.merge,
                parents: [names.left.window],
                create: () => streamSelfJoin({ store: names.left.store, windows, joiner }),
              },
            ],
            stores: () => [
              { store: buildJoinStore(leftPlan), processors: [names.left.window, names.merge] },
            ],
          }
        : null,
    },
    left.node,
    right.node,
  );
  return { graph, node, key, value: null, sources, repartitionRequired: false };
}

/** Whether a record's own time is within its window: elsewhere it does not join itself, and one store gives other results. */
function holdsItself({ beforeMs, afterMs }: JoinWindows): boolean {
  return beforeMs >= 0 && afterMs >= 0;
}

type SideOptions = StreamStreamJoinOptions<unknown, unknown, unknown, unknown>;

interface SideNames {
  /** Of the processor that keeps the side's records. */
  readonly window: string;
  readonly join: string;
  readonly store: string;
}

interface JoinNames {
  readonly left: SideNames;
  readonly right: SideNames;
  readonly merge: string;
  readonly pendingStore: string | null;
}

/** Where a join has no name, its stores still are called by the number of its processors. */
function joinNames(
  graph: LogicalGraph,
  kind: JoinKind,
  { name, store }: Pick<StreamJoin['options'], 'name' | 'store'>,
): JoinNames {
  const leftPrefix = kind === 'outer' ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-';
  const rightPrefix = kind === 'inner' ? 'KSTREAM-JOINOTHER-' : 'KSTREAM-OUTEROTHER-';
  const leftSuffix = kind === 'outer' ? '-outer-this-join' : '-this-join';
  const rightSuffix = kind === 'inner' ? '-other-join' : '-outer-other-join';
  const leftWindow = graph.suffixedName('KSTREAM-WINDOWED-', '-this-windowed', name);
  const rightWindow = graph.suffixedName('KSTREAM-WINDOWED-', '-other-windowed', name);
  const left = graph.nodeName(leftPrefix);
  const right = graph.nodeName(rightPrefix);
  const merge = graph.suffixedName('KSTREAM-MERGE-', '-merge', name);

  const joinName = (suffix: string, generated: string): string =>
    name === undefined ? generated : `${name}${suffix}`;
  const storeName = (suffix: string, generated: string): string =>
    `${store === undefined ? generated : `${store}${suffix}`}-store`;
  const pending = `KSTREAM-OUTERSHARED-${left.slice(leftPrefix.length)}`;
  return {
    left: {
      window: leftWindow,
      join: joinName(leftSuffix, left),
      store: storeName(leftSuffix, left),
    },
    right: {
      window: rightWindow,
      join: joinName(rightSuffix, right),
      store: storeName(rightSuffix, right),
    },
    merge,
    pendingStore: {
      inner: null,
      left: storeName('-left-shared-join', pending),
      outer: storeName('-outer-shared-join', pending),
    }[kind],
  };
}

function addWindow({ graph, node }: StreamState, { window, store }: SideNames): OperatorNode {
  return graph.add<OperatorNode>(
    {
      kind: 'operator',
      name: window,
      create: () => joinWindow(store),
      stores: () => [], // the join brings it
      takesNullKeys: false,
    },
    node,
  );
}

interface GivenOptions {
  readonly name: string | undefined;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
}

/** A side with the serdes that it is kept with, repartitioned where it must be. */
function partitioned(stream: StreamState, suffix: string, given: GivenOptions): StreamState {
  const serdes = { key: given.key ?? stream.key, value: given.value ?? stream.value };
  if (!stream.repartitionRequired) return { ...stream, ...serdes };
  return repartitionForJoin(
    stream,
    serdes,
    given.name === undefined ? null : `${given.name}${suffix}`,
  );
}
