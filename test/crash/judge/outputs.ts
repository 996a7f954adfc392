import type { Case } from './case.ts';
import { bytesOf, textOf, type Dump, type DumpRecord } from './dump.ts';
import type { Findings } from './findings.ts';
import { firstHalf, secondHalf, type Expected, type FirstHalf } from './oracle.ts';

type Partitions = readonly (readonly DumpRecord[])[];

/** An output topic: what each task must have written, and which task a record is of. */
interface Output {
  readonly subject: string;
  readonly observed: Partitions;
  readonly expected: readonly (readonly Expected[])[];
  readonly taskOf: (record: DumpRecord) => number;
  /** Where the key belongs. Default: where Java would have put it. */
  readonly partitionOf?: (record: DumpRecord) => number;
}

/**
 * Every topic that the application writes, against what its committed input makes necessary: record by record in the order
 * of each task, key, value, timestamp and headers, to the end of both.
 */
export function judgeOutputs(
  { applicationId, topics }: Case,
  dump: Dump,
  findings: Findings,
): void {
  const read = (topic: string): Partitions => dump.records.get(topic) ?? [];
  const internal = (name: string): Partitions => read(`${applicationId}-${name}`);
  const byItem = internal('by-item-repartition');
  const first = read(topics.entries).map(firstHalf);
  const second = byItem.map(secondHalf);

  const itemTasks = new Map<string, number>();
  byItem.forEach((records, task) => {
    for (const { key } of records) itemTasks.set(key, task);
  });
  const ofItem = ({ key }: DumpRecord): number => itemTasks.get(key) ?? -1;
  const itemOf = (key: string): string => key.slice(0, -16);

  const outputs: Output[] = [
    pricedOutput(read(topics.priced), first),
    {
      subject: 'by-item',
      observed: byItem,
      expected: first.map((half) => half.byItem),
      taskOf: partitionInId,
    },
    {
      subject: 'dead letters',
      observed: read(topics.dead).map((records) => records.map(withoutError)),
      expected: first.map((half) => half.dead),
      taskOf: partitionInId,
      partitionOf: ({ partition }) => partition,
    },
    {
      subject: 'totals',
      observed: read(topics.totals),
      expected: second.map((half) => half.totals),
      taskOf: ofItem,
    },
    {
      subject: 'windows',
      observed: read(topics.windows),
      expected: second.map((half) => half.windows),
      taskOf: ({ key }) => itemTasks.get(itemOf(key)) ?? -1,
      // All windows of a key lie where the key lies.
      partitionOf: ({ key, partition }) =>
        partitionOfItem(read(topics.totals), itemOf(key)) ?? partition,
    },
    ...[
      { name: 'prices', logs: first.map((half) => half.pricesLog) },
      { name: 'item-totals', logs: second.map((half) => half.totalsLog) },
      { name: 'item-windows', logs: second.map((half) => half.windowsLog) },
      { name: 'seen', logs: second.map((half) => half.seenLog) },
    ].map(({ name, logs }) => ({
      subject: `changelog of ${name}`,
      observed: internal(`${name}-changelog`),
      expected: logs,
      taskOf: ({ partition }: DumpRecord) => partition,
      partitionOf: ({ partition }: DumpRecord) => partition,
    })),
  ];
  for (const output of outputs) judgeOutput(output, findings);
  judgeTicks('ticks', read(topics.ticks).flat(), findings);
  judgeTicks('changelog of ticks', internal('ticks-changelog').flat(), findings);
}

/** The first output alone: what the judge shows itself with. */
export function judgePriced({ topics }: Case, dump: Dump, findings: Findings): void {
  const first = (dump.records.get(topics.entries) ?? []).map(firstHalf);
  judgeOutput(pricedOutput(dump.records.get(topics.priced) ?? [], first), findings);
}

function pricedOutput(observed: Partitions, first: readonly FirstHalf[]): Output {
  return {
    subject: 'priced',
    observed,
    expected: first.map((half) => half.priced),
    taskOf: partitionInId,
  };
}

function judgeOutput(output: Output, findings: Findings): void {
  const { subject, observed, expected, taskOf } = output;
  const { partitionOf = (record: DumpRecord): number => record.javaPartition } = output;
  const partitionByKey = new Map<string, number>();
  const byTask = new Map<string, DumpRecord[]>();
  observed.forEach((records, partition) => {
    for (const record of records) {
      findings.checked();
      partitionByKey.set(record.key, partition);
      if (partitionOf(record) !== partition)
        findings.add(subject, `a key is in partition ${partition} by mistake: ${shown(record)}`);
      const key = `${taskOf(record)} in ${partition}`;
      const known = byTask.get(key);
      if (known === undefined) byTask.set(key, [record]);
      else known.push(record);
    }
  });
  expected.forEach((records, task) => {
    const wanted = new Map<string, Expected[]>();
    for (const record of records) {
      const partition = partitionByKey.get(record.key) ?? -1;
      const key = `${task} in ${partition}`;
      const known = wanted.get(key);
      if (known === undefined) wanted.set(key, [record]);
      else known.push(record);
    }
    for (const [key, list] of wanted) {
      compare(`${subject} of task ${key}`, list, byTask.get(key) ?? [], findings);
      byTask.delete(key);
    }
  });
  for (const [key, records] of byTask) {
    compare(`${subject} of task ${key}`, [], records, findings);
  }
}

function compare(
  subject: string,
  expected: readonly Expected[],
  observed: readonly DumpRecord[],
  findings: Findings,
): void {
  const length = Math.max(expected.length, observed.length);
  for (let at = 0; at < length; at++) {
    const [want, got] = [expected[at], observed[at]];
    if (want === undefined) findings.add(subject, `one too many: ${shown(got)}`);
    else if (got === undefined) findings.add(subject, `missing: ${shown(want)}`);
    else if (!isSame(want, got)) {
      findings.add(
        subject,
        `number ${at} at offset ${got.offset} is ${shown(got)}, not ${shown(want)}`,
      );
      // What follows is shifted: one finding says enough.
      return;
    }
  }
}

/** Each task counts 1, 2, 3, …: a tick that was lost with its transaction, or told twice, leaves a gap or a step back. */
function judgeTicks(subject: string, records: readonly DumpRecord[], findings: Findings): void {
  const last = new Map<string, bigint>();
  for (const { key, value } of records) {
    findings.checked();
    const tick = bytesOf(value).readBigInt64BE();
    const before = last.get(key) ?? 0n;
    if (tick !== before + 1n)
      findings.add(subject, `${textOf(key)} ticked ${tick} after ${before}`);
    last.set(key, tick);
  }
  if (last.size === 0) findings.add(subject, 'nothing has ticked');
}

/** Ids begin with the input partition that they were written to; the header holds them also where the value is broken. */
function partitionInId({ headers }: DumpRecord): number {
  const id = /^id=(x[0-9a-f]*)/.exec(headers)?.[1] ?? 'x';
  return Number(textOf(id).split('-')[0]);
}

/** What the error says is free; that it is there, and where it points to, is not. */
function withoutError(record: DumpRecord): DumpRecord {
  const kept = record.headers
    .split(',')
    .filter(
      (header) => !/^__streams\.errors\.(exception|message|stacktrace)=x[0-9a-f]+$/.test(header),
    );
  return { ...record, headers: kept.join(',') };
}

const itemPartitions = new WeakMap<Partitions, Map<string, number>>();

function partitionOfItem(totals: Partitions, item: string): number | undefined {
  let known = itemPartitions.get(totals);
  if (known === undefined) {
    known = new Map(totals.flat().map(({ key, partition }) => [key, partition]));
    itemPartitions.set(totals, known);
  }
  return known.get(item);
}

function isSame(want: Expected, got: DumpRecord): boolean {
  return (
    want.key === got.key &&
    want.value === got.value &&
    want.timestampMs === got.timestampMs &&
    want.headers === got.headers
  );
}

function shown(record: Expected | undefined): string {
  if (record === undefined) return 'nothing';
  const { key, value, timestampMs, headers } = record;
  return `${textOf(key)} = ${textOf(value)} (${timestampMs}, ${headers})`;
}
