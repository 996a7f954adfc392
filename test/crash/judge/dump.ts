/** A committed record as Java's consumer saw it; bytes as `Dump.java` prints them: `x` and hex digits, or `-` for null. */
export interface DumpRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string;
  readonly value: string;
  readonly headers: string;
  /** Where Java's producer would have put the key; -1 without one. */
  readonly javaPartition: number;
}

export interface LogEnds {
  readonly first: number;
  readonly stable: number;
  readonly end: number;
}

/** What `Dump.java` printed. */
export interface Dump {
  /** By topic, then by partition, in the order of the log. */
  readonly records: ReadonlyMap<string, readonly (readonly DumpRecord[])[]>;
  /** By `topic-partition`, as the two below. */
  readonly ends: ReadonlyMap<string, LogEnds>;
  readonly committed: ReadonlyMap<string, number>;
  /** Lines about transactions that are open somewhere, and members that are left. */
  readonly openTransactions: readonly string[];
  readonly unfinished: readonly string[];
  readonly members: readonly string[];
}

export function parseDump(text: string): Dump {
  const records = new Map<string, DumpRecord[][]>();
  const ends = new Map<string, LogEnds>();
  const committed = new Map<string, number>();
  const openTransactions: string[] = [];
  const unfinished: string[] = [];
  const members: string[] = [];
  for (const line of text.split('\n')) {
    const [kind = '', ...fields] = line.split(' ');
    const [topic = '', partition = '', third = '', fourth = '', fifth = ''] = fields;
    const key = `${topic}-${partition}`;
    if (kind === 'R') addRecord(records, fields);
    else if (kind === 'E') {
      ends.set(key, { first: Number(third), stable: Number(fourth), end: Number(fifth) });
      partitionsOf(records, topic)[Number(partition)] ??= [];
    } else if (kind === 'G') committed.set(key, Number(third));
    else if (kind === 'O') openTransactions.push(line);
    else if (kind === 'T') {
      if (!['Empty', 'CompleteCommit', 'CompleteAbort', 'Dead'].includes(partition))
        unfinished.push(line);
    } else if (kind === 'M') members.push(topic);
    else if (line !== '') throw new Error(`the dump has a line that is not known: ${line}`);
  }
  return { records, ends, committed, openTransactions, unfinished, members };
}

function addRecord(records: Map<string, DumpRecord[][]>, fields: readonly string[]): void {
  const [topic = '', partition, offset, timestamp, key = '', value = '', headers = '', java] =
    fields;
  const record: DumpRecord = {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    timestampMs: Number(timestamp),
    key,
    value,
    headers,
    javaPartition: Number(java),
  };
  (partitionsOf(records, topic)[record.partition] ??= []).push(record);
}

function partitionsOf(records: Map<string, DumpRecord[][]>, topic: string): DumpRecord[][] {
  const known = records.get(topic);
  if (known !== undefined) return known;
  const partitions: DumpRecord[][] = [];
  records.set(topic, partitions);
  return partitions;
}

export function bytesOf(field: string): Buffer {
  return Buffer.from(field.slice(1), 'hex');
}

export function textOf(field: string): string {
  return bytesOf(field).toString('utf8');
}

export function fieldOf(bytes: Buffer | string): string {
  return `x${Buffer.from(bytes).toString('hex')}`;
}
