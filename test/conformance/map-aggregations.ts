import { TimeWindows } from '../../src/common/time-windows.ts';
import type { BuiltNodes } from './built-nodes.ts';
import {
  NotBuilt,
  asTable,
  evaluateDatum,
  evaluateValue,
  serdeOf,
  type Built,
  type BuiltOf,
  type Datum,
  type Value,
} from './built.ts';
import type { NodeOf } from './case.ts';
import type { Expression } from './expression.ts';
import { storeOptions } from './store-options.ts';

type AggregationNode = NodeOf<'count' | 'reduce' | 'aggregate'>;

export function mapAggregation(from: Built, node: AggregationNode): Built {
  const types = node.types ?? from.shape.types;
  const windowing = from.kind === 'windowed stream' ? from.windowing : null;
  return { kind: 'table', table: asTable(aggregated(from, node)), shape: { types, windowing } };
}

function aggregated(from: Built, node: AggregationNode): object {
  switch (from.kind) {
    case 'grouped stream':
    case 'windowed stream':
      return aggregateStream(from, node);
    case 'grouped table':
      return aggregateTable(from, node);
    case 'stream':
    case 'table':
    case 'global table':
      throw new Error(`'${node.name}' aggregates a ${from.kind}, which is not grouped`);
  }
}

function aggregateStream(
  { group, shape }: BuiltOf<'grouped stream' | 'windowed stream'>,
  node: AggregationNode,
): object {
  const [keyType, valueType] = node.types ?? shape.types;
  const key = serdeOf(keyType);
  const options = { key, value: serdeOf(valueType), ...storeOptions(node) };
  switch (node.op) {
    case 'count':
      return group.count({ key, ...storeOptions(node) });
    case 'reduce':
      return group.reduce(reducer(node.adder), options);
    case 'aggregate':
      return group.aggregate(initializer(node.init), aggregator(node.adder ?? null), options);
  }
}

function aggregateTable({ group, shape }: BuiltOf<'grouped table'>, node: AggregationNode): object {
  const [keyType, valueType] = node.types ?? shape.types;
  const options = {
    key: serdeOf(keyType),
    value: serdeOf(valueType),
    ...storeOptions(node),
  };
  switch (node.op) {
    case 'count':
      return group.count(storeOptions(node));
    case 'reduce':
      return group.reduce(reducer(node.adder), reducer(node.subtractor ?? null), options);
    case 'aggregate':
      return group.aggregate(
        initializer(node.init),
        aggregator(node.adder ?? null),
        aggregator(node.subtractor ?? null),
        options,
      );
  }
}

export function mapWindows(from: Built, { window, emit }: NodeOf<'windowedBy'>): Built {
  if (from.kind !== 'grouped stream') throw new NotBuilt(`windows of a ${from.kind}`);
  if (emit !== undefined) throw new NotBuilt('results on window close');
  if (window.type !== 'tumbling' && window.type !== 'hopping') {
    throw new NotBuilt(`${window.type} windows`);
  }
  const windows = TimeWindows.of(window);
  return {
    kind: 'windowed stream',
    group: from.group.windowedBy(windows),
    shape: from.shape,
    windowing: { kind: 'time', sizeMs: window.size },
  };
}

export function mapCogroup(_nodes: BuiltNodes, _node: NodeOf<'cogroup'>): Built {
  throw new NotBuilt('cogroup');
}

function reducer(expression: Expression): (l: Datum, r: Readonly<Value>) => Value {
  return (l, r) => evaluateValue(expression, { l, r });
}

function initializer(expression: Expression): () => Datum {
  return () => evaluateDatum(expression, {});
}

function aggregator(expression: Expression): (k: Datum, v: Readonly<Value>, a: Datum) => Value {
  return (k, v, a) => evaluateValue(expression, { k, v, a });
}
