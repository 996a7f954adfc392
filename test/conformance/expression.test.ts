import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Windowed } from '../../src/common/windowed.ts';
import { isClose } from './compare.ts';
import { evaluate, type Expression } from './expression.ts';
import { CONFORMANCE } from './shared-folder.ts';

interface Example {
  readonly expr: Expression;
  readonly env: Readonly<Record<string, unknown>> & { readonly window?: WindowBounds };
  readonly result: unknown;
}

interface WindowBounds {
  readonly start: number;
  readonly end: number;
}

const file = path.join(CONFORMANCE, 'expr-vectors.json');
const examples = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Example[]) : [];

test('every example of the expression language has its result', () => {
  const wrong = examples
    .map(({ expr, env: { window, ...variables }, result }) => ({
      expr,
      result,
      got: evaluate(expr, { ...variables, k: keyOf(variables['k'], window) }),
    }))
    .filter(({ result, got }) => !isClose(result, got));
  expect(wrong).toEqual([]);
});

test('an operator that the language does not have is named', () => {
  expect(() => evaluate(['frobnicate', 1], {})).toThrow(
    "the expression language has no 'frobnicate'",
  );
});

function keyOf(key: unknown, window: WindowBounds | undefined): unknown {
  return window === undefined ? key : new Windowed(key, window.start, window.end);
}
