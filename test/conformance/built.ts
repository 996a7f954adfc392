import type { Windowed } from '../../src/common/windowed.ts';
import type { CogroupedKStream } from '../../src/dsl/cogrouped-kstream.ts';
import type { GlobalKTable } from '../../src/dsl/global-ktable.ts';
import type { KGroupedStream } from '../../src/dsl/kgrouped-stream.ts';
import type { KGroupedTable } from '../../src/dsl/kgrouped-table.ts';
import type { KStream } from '../../src/dsl/kstream.ts';
import type { KTable } from '../../src/dsl/ktable.ts';
import type { SessionWindowedCogroupedKStream } from '../../src/dsl/session-windowed-cogrouped-kstream.ts';
import type { SessionWindowedKStream } from '../../src/dsl/session-windowed-kstream.ts';
import type { TimeWindowedCogroupedKStream } from '../../src/dsl/time-windowed-cogrouped-kstream.ts';
import type { TimeWindowedKStream } from '../../src/dsl/time-windowed-kstream.ts';
import type { Serde } from '../../src/serde/serde.ts';
import { serdes } from '../../src/serde/serdes.ts';
import type { TypeName, Types } from './case.ts';
import { evaluate, type Expression, type Variables } from './expression.ts';

/** What a case's keys and values are: JSON, and windowed keys. */
export type Datum = string | number | boolean | object;
export type Value = Datum | null;

export type Stream = KStream<Datum, Value, never>;
export type Table = KTable<Datum, Datum, never, Value>;

/** A table of whatever types: those of a case are known when it runs, not to the compiler. */
export function asTable(table: object): Table {
  return table as Table;
}

/** How the keys of a node are windowed; null where they are not. */
export type Windowing =
  { readonly kind: 'time'; readonly sizeMs: number } | { readonly kind: 'session' } | null;

/** What a record of a node looks like. */
export interface Shape {
  readonly types: Types;
  readonly windowing: Windowing;
}

/** A node of a case as our DSL has it. */
export type Built = { readonly shape: Shape } & (
  | { readonly kind: 'stream'; readonly stream: Stream }
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'global table'; readonly table: GlobalKTable<Datum, Datum> }
  | { readonly kind: 'grouped stream'; readonly group: KGroupedStream<Datum, Value> }
  | { readonly kind: 'grouped table'; readonly group: KGroupedTable<Datum, Datum> }
  | {
      readonly kind: 'windowed stream';
      readonly group: TimeWindowedKStream<Datum, Value>;
      readonly windowing: Windowing;
    }
  | { readonly kind: 'session stream'; readonly group: SessionWindowedKStream<Datum, Value> }
  | { readonly kind: 'cogroup'; readonly group: CogroupedKStream<Datum, Datum> }
  | {
      readonly kind: 'windowed cogroup';
      readonly group: TimeWindowedCogroupedKStream<Datum, Datum>;
      readonly windowing: Windowing;
    }
  | {
      readonly kind: 'session cogroup';
      readonly group: SessionWindowedCogroupedKStream<Datum, Datum>;
    }
);

export type BuiltOf<Kind extends Built['kind']> = Built & { readonly kind: Kind };

/** A case needs what the library does not have yet. */
export class NotBuilt extends Error {
  constructor(what: string) {
    super(`not built: ${what}`);
  }
}

const SERDES: Readonly<Record<TypeName, Serde<Datum>>> = {
  // Each is given values of its type only: a case that says otherwise fails in the serde.
  string: serdes.string,
  int: serdes.int,
  long: serdes.long,
  double: serdes.double,
  json: serdes.json<Datum>(),
};

export function serdeOf(type: TypeName): Serde<Datum> {
  return SERDES[type];
}

export interface ShapeSerdes {
  readonly key: Serde<Datum>;
  readonly value: Serde<Datum>;
}

export function serdesOf({ types: [key, value], windowing }: Shape): ShapeSerdes {
  return {
    key: windowing === null ? serdeOf(key) : windowedSerde(key, windowing),
    value: serdeOf(value),
  };
}

function windowedSerde(type: TypeName, windowing: NonNullable<Windowing>): Serde<Datum> {
  const inner = serdeOf(type);
  const serde: Serde<Windowed<Datum>> =
    windowing.kind === 'session'
      ? serdes.sessionWindowed(inner)
      : serdes.timeWindowed(inner, { size: windowing.sizeMs });
  return serde; // it is given the windowed keys of a windowed node only
}

export function evaluateValue(expression: Expression, variables: Variables): Value {
  return evaluate(expression, variables) as Value; // JSON
}

/** For places whose types have no null, though a case may have one there. */
export function evaluateDatum(expression: Expression, variables: Variables): Datum {
  return evaluate(expression, variables) as Datum;
}
