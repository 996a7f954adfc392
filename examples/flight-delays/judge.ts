import type { ExpectedDay } from './expected.ts';

export interface Verdict {
  readonly equal: number;
  readonly total: number;
  /** One line for each key that differs: at most `SHOWN`, and how many more there are. */
  readonly differences: readonly string[];
}

const SHOWN = 10;

/** Compares every final value with the one computed from the files, both ways: none missing, none too many. */
export function judge(
  expected: ReadonlyMap<string, ExpectedDay>,
  actual: ReadonlyMap<string, object>,
): Verdict {
  const keys = new Set([...expected.keys(), ...actual.keys()]);
  const differences: string[] = [];
  for (const key of keys) {
    const want = canonical(expected.get(key));
    const got = canonical(actual.get(key));
    if (want !== got) differences.push(`${key}: expected ${want}, the application wrote ${got}`);
  }
  const more = differences.length - SHOWN;
  return {
    equal: keys.size - differences.length,
    total: keys.size,
    differences: more > 0 ? [...differences.slice(0, SHOWN), `and ${more} more`] : differences,
  };
}

/** Text that is the same for equal values, whatever the order of their fields; numbers to their last digit. */
function canonical(value: object | undefined): string {
  if (value === undefined) return 'nothing';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(fields));
}
