import type { DumpRecord } from './dump.ts';

/** A partition of an output, made wrong. */
type Mutation = (records: readonly DumpRecord[]) => DumpRecord[];

/** The ways in which an output could be wrong: a judge that passes one of them proves nothing. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a record is lost': (records) => records.toSpliced(middle(records), 1),
  'a record comes twice': (records) =>
    records.toSpliced(middle(records), 0, recordAt(records, middle(records))),
  'two records are swapped': (records) => {
    const at = middle(records);
    const other = nextOfKey(records, at);
    return records.with(at, recordAt(records, other)).with(other, recordAt(records, at));
  },
  'a value is another': (records) => {
    const at = middle(records);
    return records.with(at, withValue(recordAt(records, at), /..$/, '7e'));
  },
  'an aborted record is seen': (records) => {
    const at = middle(records);
    // "cost" of an attempt that has another name for it.
    return records.toSpliced(at, 0, withValue(recordAt(records, at), '636f7374', '636f7375'));
  },
};

function middle(records: readonly DumpRecord[]): number {
  return Math.floor(records.length / 2);
}

/** Records of one key come from one task, so their order is fixed. */
function nextOfKey(records: readonly DumpRecord[], at: number): number {
  const { key } = recordAt(records, at);
  const next = records.findIndex((record, index) => index > at && record.key === key);
  if (next < 0) throw new Error('the output is too short to be made wrong');
  return next;
}

function withValue(record: DumpRecord, part: RegExp | string, by: string): DumpRecord {
  return { ...record, value: record.value.replace(part, by) };
}

function recordAt(records: readonly DumpRecord[], at: number): DumpRecord {
  const record = records[at];
  if (record === undefined) throw new Error('the output is too short to be made wrong');
  return record;
}
