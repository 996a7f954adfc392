import { Windowed } from '../../src/common/windowed.ts';

/** A scalar is itself, an object is built from its fields, an array calls a function: `[name, arg…]`. */
export type Expression =
  | null
  | boolean
  | number
  | string
  | readonly Expression[]
  | { readonly [field: string]: Expression };

/** What an expression can refer to; a variable that a place does not give is null there. */
export interface Variables {
  readonly k?: unknown;
  readonly v?: unknown;
  readonly l?: unknown;
  readonly r?: unknown;
  readonly a?: unknown;
  readonly it?: unknown;
  readonly ts?: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
type Fn = (args: readonly unknown[]) => unknown;

/** The value of an expression: JSON, always new where it is an object, so that nothing downstream shares it. */
export function evaluate(expression: Expression, variables: Variables): unknown {
  if (typeof expression !== 'object' || expression === null) return expression;
  if (!isCall(expression)) {
    const fields = Object.entries(expression);
    return Object.fromEntries(
      fields.map(([field, inner]) => [field, evaluate(inner, variables)] as const),
    );
  }
  const [first, ...args] = expression;
  const name = typeof first === 'string' ? first : JSON.stringify(first);
  const value = (index: number): unknown => evaluate(args[index] ?? null, variables);
  switch (name) {
    case 'k':
    case 'v':
    case 'l':
    case 'r':
    case 'a':
    case 'it':
    case 'ts':
      return variables[name] ?? null;
    case 'wk':
      return windowed(variables.k, (key) => key.key);
    case 'ws':
      return windowed(variables.k, (key) => key.startMs);
    case 'we':
      return windowed(variables.k, (key) => key.endMs);
    case 'if':
      return value(0) === true ? value(1) : value(2);
    case 'nn':
      return value(0) === null ? null : value(1);
    case 'and':
      return args.every((_, index) => value(index) === true);
    case 'or':
      return args.some((_, index) => value(index) === true);
    case 'coalesce':
      return args.map((_, index) => value(index)).find((each) => each !== null) ?? null;
    case 'map': {
      const list = value(0);
      const body = args[1] ?? null;
      return isList(list) ? list.map((it) => evaluate(body, { ...variables, it })) : null;
    }
    default: {
      const fn = FUNCTIONS[name];
      if (fn === undefined) throw new Error(`the expression language has no '${name}'`);
      return fn(args.map((_, index) => value(index))) ?? null;
    }
  }
}

const FUNCTIONS: Readonly<Record<string, Fn | undefined>> = {
  get: ([object, field]) => (isFields(object) ? object[String(field)] : null),
  at: ([list, index]) => (isList(list) ? list.at(Number(index)) : null),
  list: (items) => [...items],
  append: ([list, item]) => [...(isList(list) ? list : []), item],
  contains: ([inside, item]) =>
    isList(inside)
      ? inside.some((each) => equal(each, item))
      : typeof inside === 'string' && typeof item === 'string' && inside.includes(item),
  take: ([list, count]) => (isList(list) ? list.slice(0, Number(count)) : null),
  takeLast: ([list, count]) =>
    isList(list) ? list.slice(Math.max(0, list.length - Number(count))) : null,
  sortDesc: ([list]) => (isList(list) ? [...list].sort((one, other) => order(other, one)) : null),
  merge: ([one, other]) => ({ ...fieldsOf(one), ...fieldsOf(other) }),
  put: ([object, field, value]) => ({ ...fieldsOf(object), [String(field)]: value }),
  range: ([count]) => Array.from({ length: Number(count) }, (_, index) => index),

  cat: (parts) => parts.map(show).join(''),
  len: ([value]) => (typeof value === 'string' || isList(value) ? value.length : null),
  substr: ([text, from, length]) =>
    onText(text, (given) => {
      const start = Math.max(0, Number(from));
      return length === undefined
        ? given.slice(start)
        : given.slice(start, start + Math.max(0, Number(length)));
    }),
  upper: ([text]) => onText(text, (given) => given.toUpperCase()),
  lower: ([text]) => onText(text, (given) => given.toLowerCase()),
  startsWith: ([text, start]) => typeof text === 'string' && text.startsWith(String(start)),
  split: ([text, separator]) => onText(text, (given) => given.split(String(separator))),
  ord: ([text]) => onText(text, (given) => given.charCodeAt(0)),
  removeStr: ([text, part]) => onText(text, (given) => given.replaceAll(String(part), '')),
  toStr: ([value]) => (value === null ? null : show(value)),
  toInt: ([value]) => (value === null ? null : Math.trunc(Number(value))),
  toDouble: ([value]) => (value === null ? null : Number(value)),

  '+': (args) => onNumbers(args, (one, other) => one + other),
  '-': (args) => onNumbers(args, (one, other) => one - other),
  '*': (args) => onNumbers(args, (one, other) => one * other),
  '/': (args) => onNumbers(args, (one, other) => one / other),
  div: (args) => onNumbers(args, (one, other) => Math.trunc(one / other)),
  '%': (args) => onNumbers(args, (one, other) => one % other),
  neg: ([value]) => (typeof value === 'number' ? -value : null),
  abs: ([value]) => (typeof value === 'number' ? Math.abs(value) : null),
  min: (args) => extreme(args, (one, other) => order(one, other) < 0),
  max: (args) => extreme(args, (one, other) => order(one, other) > 0),

  eq: ([one, other]) => equal(one, other),
  ne: ([one, other]) => !equal(one, other),
  lt: (args) => compared(args, (sign) => sign < 0),
  le: (args) => compared(args, (sign) => sign <= 0),
  gt: (args) => compared(args, (sign) => sign > 0),
  ge: (args) => compared(args, (sign) => sign >= 0),
  not: ([value]) => value !== true,
  isNull: ([value]) => value === null,
};

function isCall(expression: object): expression is readonly Expression[] {
  return Array.isArray(expression);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !isList(value) && !(value instanceof Windowed)
  );
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function windowed<T>(key: unknown, part: (key: Windowed<unknown>) => T): T | null {
  return key instanceof Windowed ? part(key) : null;
}

function onText<T>(value: unknown, fn: (text: string) => T): T | null {
  return typeof value === 'string' ? fn(value) : null;
}

function onNumbers(
  [one, other]: readonly unknown[],
  fn: (one: number, other: number) => number,
): number | null {
  if (one === null || other === null) return null;
  return fn(Number(one), Number(other));
}

function extreme(
  args: readonly unknown[],
  isBetter: (one: unknown, other: unknown) => boolean,
): unknown {
  const given = args.filter((each) => each !== null);
  return given.length === 0
    ? null
    : given.reduce((best, each) => (isBetter(each, best) ? each : best));
}

function compared([one, other]: readonly unknown[], fn: (sign: number) => boolean): boolean {
  return one !== null && other !== null && fn(order(one, other));
}

/** Numbers by size, strings by UTF-16 code units, as in Java. */
function order(one: unknown, other: unknown): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  const [left, right] = [String(one), String(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function show(value: unknown): string {
  if (value instanceof Windowed) return `[${show(value.key)}@${value.startMs}/${value.endMs}]`;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Deep; null equals null only. */
export function equal(one: unknown, other: unknown): boolean {
  if (isList(one) && isList(other)) {
    return one.length === other.length && one.every((item, index) => equal(item, other[index]));
  }
  if (one instanceof Windowed && other instanceof Windowed) {
    return equal(one.key, other.key) && one.startMs === other.startMs && one.endMs === other.endMs;
  }
  if (isFields(one) && isFields(other)) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => name in other && equal(one[name], other[name]))
    );
  }
  return Object.is(one, other) || one === other;
}
