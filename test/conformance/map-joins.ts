import { JoinWindows } from '../../src/common/join-windows.ts';
import {
  NotBuilt,
  evaluateDatum,
  evaluateValue,
  serdesOf,
  type Built,
  type BuiltOf,
  type Datum,
  type Value,
} from './built.ts';
import type { NodeOf } from './case.ts';
import { storeOptions } from './store-options.ts';

type JoinNode = NodeOf<'join'>;

/** Which join it is follows from what it joins. */
export function mapJoin(left: Built, right: Built, node: JoinNode): Built {
  const shape = { ...left.shape, types: node.types ?? left.shape.types };
  const joiner = (l: unknown, r: unknown, k: Datum): Value => evaluateValue(node.fn, { k, l, r });
  if (left.kind === 'stream' && right.kind === 'table') {
    const options = {
      ...serdesOf(left.shape),
      ...(node.grace === undefined ? {} : { grace: node.grace }),
    };
    const stream =
      node.kind === 'left'
        ? left.stream.leftJoin(right.table, joiner, options)
        : left.stream.join(right.table, joiner, options);
    return { kind: 'stream', stream, shape };
  }
  if (left.kind === 'stream' && right.kind === 'global table') {
    const { key = ['k'] } = node;
    const keyOf = (k: Datum, v: unknown): Datum => evaluateDatum(key, { k, v });
    const stream =
      node.kind === 'left'
        ? left.stream.leftJoin(right.table, keyOf, joiner)
        : left.stream.join(right.table, keyOf, joiner);
    return { kind: 'stream', stream, shape };
  }
  if (left.kind === 'table' && right.kind === 'table') {
    return { kind: 'table', table: joinTables(left, right, node, joiner), shape };
  }
  if (left.kind === 'stream' && right.kind === 'stream') {
    return { kind: 'stream', stream: joinStreams(left, right, node, joiner), shape };
  }
  throw new NotBuilt(`${node.kind} join of a ${left.kind} and a ${right.kind}`);
}

type Joiner = (l: unknown, r: unknown, k: Datum) => Value;

function joinStreams(
  left: BuiltOf<'stream'>,
  right: BuiltOf<'stream'>,
  { kind, window }: JoinNode,
  joiner: Joiner,
): BuiltOf<'stream'>['stream'] {
  if (window === undefined) throw new Error('a join of two streams needs a window');
  const windows = JoinWindows.of(window);
  const options = { ...serdesOf(left.shape), otherValue: serdesOf(right.shape).value };
  if (kind === 'inner') return left.stream.join(right.stream, joiner, windows, options);
  return kind === 'left'
    ? left.stream.leftJoin(right.stream, joiner, windows, options)
    : left.stream.outerJoin(right.stream, joiner, windows, options);
}

function joinTables(
  left: BuiltOf<'table'>,
  right: BuiltOf<'table'>,
  node: JoinNode,
  joiner: Joiner,
): BuiltOf<'table'>['table'] {
  const types = node.types ?? left.shape.types;
  const options =
    node.store === undefined
      ? {}
      : { ...storeOptions(node), ...serdesOf({ ...left.shape, types }) };
  if (node.kind === 'inner') return left.table.join(right.table, joiner, options);
  return node.kind === 'left'
    ? left.table.leftJoin(right.table, joiner, options)
    : left.table.outerJoin(right.table, joiner, options);
}

export function mapForeignKeyJoin(
  left: BuiltOf<'table'>,
  right: BuiltOf<'table'>,
  node: NodeOf<'fkJoin'>,
): Built {
  const shape = { ...left.shape, types: node.types ?? left.shape.types };
  const foreignKeyOf = (v: unknown, k: Datum): Datum | null => evaluateValue(node.fk, { k, v });
  const joiner = (l: unknown, r: unknown, k: Datum): Value => evaluateValue(node.fn, { k, l, r });
  const options = { ...serdesOf(shape), ...(node.store === undefined ? {} : storeOptions(node)) };
  const table =
    node.kind === 'left'
      ? left.table.leftJoin(right.table, foreignKeyOf, joiner, options)
      : left.table.join(right.table, foreignKeyOf, joiner, options);
  return { kind: 'table', table, shape };
}
