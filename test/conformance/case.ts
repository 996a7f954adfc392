import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Expression } from './expression.ts';

/** How bytes of a key or value are written. */
export type TypeName = 'string' | 'int' | 'long' | 'double' | 'json';
export type Types = readonly [key: TypeName, value: TypeName];

/** How an operator keeps its table: `{}` says only that it is kept. */
export interface StoreNote {
  readonly named?: boolean;
  readonly caching?: boolean;
  readonly retentionMs?: number;
  readonly versionedMs?: number;
}

export type WindowNote =
  | { readonly type: 'tumbling'; readonly size: number; readonly grace: number }
  | {
      readonly type: 'hopping';
      readonly size: number;
      readonly advance: number;
      readonly grace: number;
    }
  | { readonly type: 'sliding'; readonly diff: number; readonly grace: number }
  | { readonly type: 'session'; readonly gap: number; readonly grace: number }
  | { readonly type: 'unlimited'; readonly start?: number };

export type BufferNote =
  | { readonly unbounded: true }
  | {
      readonly unbounded?: false;
      readonly maxRecords?: number;
      readonly maxBytes?: number;
      readonly full: 'emitEarly' | 'shutDown';
    };

export interface JoinWindowNote {
  readonly before: number;
  readonly after: number;
  readonly grace: number;
  readonly legacyEager?: boolean;
}

export interface PunctuateNote {
  readonly type: 'streamTime' | 'wallClock';
  readonly interval: number;
  readonly emit?: Expression;
  readonly update?: Expression;
}

interface Named {
  readonly name: string;
  readonly types?: Types;
}

interface Derived extends Named {
  readonly from: string;
}

/** A node type for each operator of these names. */
type EachOf<Op extends string, Rest> = Op extends string ? Rest & { readonly op: Op } : never;

/** One operator of a case's topology, as the format has it. */
export type CaseNode =
  | (Named & {
      readonly op: 'stream';
      readonly topic?: string;
      readonly topics?: readonly string[];
      readonly timestamp?: Expression;
      readonly windowed?: 'time' | 'session';
    })
  | EachOf<
      'table' | 'globalTable',
      Named & {
        readonly topic: string;
        readonly store?: StoreNote;
        readonly timestamp?: Expression;
      }
    >
  | EachOf<
      'filter' | 'filterNot',
      Derived & { readonly pred: Expression; readonly store?: StoreNote }
    >
  | (Derived & {
      readonly op: 'mapValues';
      readonly fn: Expression;
      readonly store?: StoreNote;
    })
  | (Derived & { readonly op: 'map'; readonly key: Expression; readonly value: Expression })
  | (Derived & { readonly op: 'selectKey'; readonly key?: Expression })
  | EachOf<'flatMap' | 'flatMapValues', Derived & { readonly fn: Expression }>
  | (Derived & {
      readonly op: 'setTimestamp';
      readonly ts: Expression;
      readonly fixedKey?: boolean;
      readonly value?: Expression;
    })
  | (Named & { readonly op: 'merge'; readonly from: readonly string[] })
  | (Derived & {
      readonly op: 'split';
      readonly branches: readonly { readonly node: string; readonly pred: Expression }[];
      readonly default?: string;
    })
  | EachOf<
      'repartition' | 'toStream' | 'toTable' | 'groupByKey',
      Derived & { readonly store?: StoreNote }
    >
  | (Derived & { readonly op: 'to'; readonly topic: string })
  | (Derived & {
      readonly op: 'groupBy';
      readonly key: Expression;
      readonly value?: Expression;
    })
  | (Derived & {
      readonly op: 'windowedBy';
      readonly window: WindowNote;
      readonly emit?: 'onWindowClose';
    })
  | (Named & {
      readonly op: 'cogroup';
      readonly from: readonly { readonly from: string; readonly adder: Expression }[];
    })
  | (Derived & { readonly op: 'count'; readonly store?: StoreNote })
  | (Derived & {
      readonly op: 'reduce';
      readonly adder: Expression;
      readonly subtractor?: Expression;
      readonly store?: StoreNote;
    })
  | (Derived & {
      readonly op: 'aggregate';
      readonly init: Expression;
      readonly adder?: Expression;
      readonly subtractor?: Expression;
      readonly merger?: Expression;
      readonly store?: StoreNote;
    })
  | (Derived & {
      readonly op: 'suppress';
      readonly mode: 'windowCloses' | 'timeLimit';
      readonly wait?: number;
      readonly buffer: BufferNote;
    })
  | (Named & {
      readonly op: 'join';
      readonly kind: 'inner' | 'left' | 'outer';
      readonly left: string;
      readonly right: string;
      readonly fn: Expression;
      readonly window?: JoinWindowNote;
      readonly grace?: number;
      readonly key?: Expression;
      readonly store?: StoreNote;
    })
  | (Named & {
      readonly op: 'fkJoin';
      readonly kind: 'inner' | 'left';
      readonly left: string;
      readonly right: string;
      readonly fk: Expression;
      readonly fn: Expression;
      readonly store?: StoreNote;
    })
  | EachOf<
      'process' | 'processValues',
      Derived & {
        readonly state: TypeName;
        readonly update: Expression;
        readonly emit: Expression;
        readonly punctuate?: PunctuateNote;
      }
    >;

/** The node of one operator, or of one of several. */
export type NodeOf<Op extends CaseNode['op']> = Extract<CaseNode, { readonly op: Op }>;

/** `end: null` is the end of a window that has none. */
export interface WindowValue {
  readonly start: number;
  readonly end: number | null;
}

export interface CaseRecord {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestamp: number;
  readonly window?: WindowValue;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export type CaseInput =
  | (CaseRecord & { readonly topic: string; readonly advanceWallClockMs?: never })
  | { readonly advanceWallClockMs: number };

/** `after` is the index of the input that leads to the record. */
export type ExpectedRecord = CaseRecord & { readonly after: number };

export interface Case {
  readonly id: string;
  readonly tags: readonly string[];
  readonly config: {
    readonly cache: 'on' | 'off';
    readonly emitIntervalMs?: number;
    readonly wallClockStartMs?: number;
    readonly optimize?: 'all';
  };
  readonly sensitivity?: { readonly storeTypeSensitive?: boolean };
  readonly topology: readonly CaseNode[];
  readonly inputs: readonly CaseInput[];
  readonly expected: Readonly<Record<string, readonly ExpectedRecord[]>>;
  readonly expectedException?: string;
}

export interface CaseFile {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** The case files of a folder, in order of their names. */
export function readCases(folder: string): readonly CaseFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({
      name,
      // That a file holds cases is what the folder's owner says.
      cases: JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Case[],
    }));
}
