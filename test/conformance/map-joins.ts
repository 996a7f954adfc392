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

type JoinNode = NodeOf<'join'>;

/** Which join it is follows from what it joins. */
export function mapJoin(left: Built, right: Built, node: JoinNode): Built {
  const shape = { ...left.shape, types: node.types ?? left.shape.types };
  const joiner = (l: unknown, r: unknown, k: Datum): Value => evaluateValue(node.fn, { k, l, r });
  if (left.kind === 'stream' && right.kind === 'table') {
    if (node.grace !== undefined) throw new NotBuilt('join of a stream and a table with grace');
    const serdes = serdesOf(left.shape);
    const stream =
      node.kind === 'left'
        ? left.stream.leftJoin(right.table, joiner, serdes)
        : left.stream.join(right.table, joiner, serdes);
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
  throw new NotBuilt(`${node.kind} join of a ${left.kind} and a ${right.kind}`);
}

export function mapForeignKeyJoin(
  _left: BuiltOf<'table'>,
  _right: BuiltOf<'table'>,
  node: NodeOf<'fkJoin'>,
): Built {
  throw new NotBuilt(`${node.kind} join by a foreign key`);
}
