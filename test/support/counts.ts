import { readCommitted } from './records.ts';

/** `value-0` … in turn: `perKey` records of each of `keys` values. */
export function countingInput(keys: number, perKey: number): { key: string; value: string }[] {
  return Array.from({ length: keys * perKey }, (_, number) => ({
    key: `key-${number}`,
    value: `value-${number % keys}`,
  }));
}

/** The counts that the counting application has written, by key, in the order of the log. */
export async function readCounts(
  topic: string,
  brokers?: readonly string[],
): Promise<Record<string, number[]>> {
  const counts: Record<string, number[]> = {};
  for (const { key, value } of await readCommitted(topic, brokers)) {
    (counts[key ?? 'null'] ??= []).push(Number(value?.readBigInt64BE() ?? -1));
  }
  return counts;
}

/** What it writes when nothing is lost, doubled or forgotten. */
export function exactCounts(keys: number, perKey: number): Record<string, number[]> {
  const oneToAll = Array.from({ length: perKey }, (_, number) => number + 1);
  return Object.fromEntries(
    Array.from({ length: keys }, (_, number) => [`value-${number}`, oneToAll]),
  );
}

export function totalOf(counts: Readonly<Record<string, readonly number[]>>): number {
  return Object.values(counts).reduce((sum, list) => sum + list.length, 0);
}
