import { Windowed } from '../../src/common/windowed.ts';
import type { ExpectedRecord } from './case.ts';

/** What a topic got, with the input that led to it. */
export interface ActualRecord {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly after: number;
}

export type ActualTopics = ReadonlyMap<string, readonly ActualRecord[]>;

const TOLERANCE = 1e-9;

/** The first record of a topic that is not as expected, in words; null where all are. */
export function firstDifference(
  topic: string,
  expected: readonly ExpectedRecord[],
  actual: readonly ActualRecord[],
): string | null {
  const length = Math.max(expected.length, actual.length);
  for (let index = 0; index < length; index++) {
    const [wanted, got] = [expected[index], actual[index]];
    if (wanted !== undefined && got !== undefined && isSame(wanted, got)) continue;
    return (
      `${topic}, record ${index + 1} of ${expected.length}: ` +
      `expected ${wanted === undefined ? 'none' : showExpected(wanted)}, ` +
      `got ${got === undefined ? 'none' : showActual(got)}`
    );
  }
  return null;
}

function isSame(wanted: ExpectedRecord, got: ActualRecord): boolean {
  return (
    isClose(expectedKey(wanted), plainKey(got.key)) &&
    isClose(wanted.value, got.value) &&
    wanted.timestamp === got.timestampMs &&
    wanted.after === got.after &&
    (wanted.headers === undefined || isClose(wanted.headers, got.headers))
  );
}

/** A windowed key, where it is one, as the case files have it. */
function expectedKey({ key, window }: ExpectedRecord): unknown {
  return window === undefined ? key : { key, window };
}

function plainKey(key: unknown): unknown {
  if (!(key instanceof Windowed)) return key;
  const { startMs: start, endMs } = key;
  return { key: key.key as unknown, window: { start, end: isEndless(endMs) ? null : endMs } };
}

function isEndless(endMs: number): boolean {
  return endMs >= Number.MAX_SAFE_INTEGER;
}

function showExpected(wanted: ExpectedRecord): string {
  return show(expectedKey(wanted), wanted.value, wanted.timestamp, wanted.after, wanted.headers);
}

function showActual({ key, value, timestampMs, after, headers }: ActualRecord): string {
  return show(plainKey(key), value, timestampMs, after, headers.length === 0 ? undefined : headers);
}

function show(
  key: unknown,
  value: unknown,
  timestampMs: number,
  after: number,
  headers: unknown,
): string {
  const rest = headers === undefined ? '' : ` ${JSON.stringify(headers)}`;
  return `${JSON.stringify(key)}=${JSON.stringify(value)}@${timestampMs}${rest} after input ${after}`;
}

/** Equal but for the order of fields and the last digits of numbers. */
export function isClose(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number') {
    return (
      one === other || Math.abs(one - other) <= TOLERANCE * Math.max(Math.abs(one), Math.abs(other))
    );
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return one === other;
  }
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const left: Readonly<Record<string, unknown>> = { ...one };
  const right: Readonly<Record<string, unknown>> = { ...other };
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => name in right && isClose(left[name], right[name]))
  );
}
