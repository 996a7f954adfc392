import type { Case } from './case.ts';
import { bytesOf, textOf, type Dump } from './dump.ts';
import type { Findings } from './findings.ts';

const OFFSETS_TOPIC = '__consumer_offsets';

/**
 * The group and the transactions: nothing is open, nobody is left, the input is done to its end, what was acknowledged to
 * the generator is there, and no committed offset has ever gone back.
 */
export function judgeOffsets(
  { applicationId, topics }: Case,
  dump: Dump,
  acked: readonly string[],
  findings: Findings,
): void {
  for (const line of dump.openTransactions) findings.add('open transaction', line);
  for (const line of dump.unfinished) findings.add('transaction not ended', line);
  for (const member of dump.members) findings.add('member left', member);
  for (const [partition, { stable, end }] of dump.ends) {
    findings.checked();
    if (stable !== end)
      findings.add('open transaction', `${partition} is stable up to ${stable} of ${end}`);
  }
  (dump.records.get(topics.entries) ?? []).forEach((_, partition) => {
    judgeDone(dump, `${topics.entries}-${partition}`, findings);
  });
  (dump.records.get(`${applicationId}-by-item-repartition`) ?? []).forEach((records, partition) => {
    const last = records.at(-1)?.offset ?? -1;
    const committed = dump.committed.get(`${applicationId}-by-item-repartition-${partition}`) ?? 0;
    if (committed <= last)
      findings.add('not processed', `by-item-${partition} at ${committed} of ${last + 1}`);
  });
  judgeAcked(dump, topics.entries, acked, findings);
  judgeHistory(applicationId, dump, findings);
}

function judgeDone(dump: Dump, partition: string, findings: Findings): void {
  const end = dump.ends.get(partition)?.end;
  const committed = dump.committed.get(partition);
  if (committed !== end)
    findings.add('not processed', `${partition} at ${committed ?? 'nothing'} of ${end ?? '?'}`);
}

function judgeAcked(
  dump: Dump,
  entries: string,
  acked: readonly string[],
  findings: Findings,
): void {
  const present = new Set<string>();
  for (const { headers } of (dump.records.get(entries) ?? []).flat()) {
    present.add(textOf(/^id=(x[0-9a-f]*)/.exec(headers)?.[1] ?? 'x'));
  }
  for (const id of acked) {
    findings.checked();
    if (!present.has(id)) findings.add('lost input', id);
  }
}

/** Every offset that the group has ever committed, in order, from the broker's own log of them. */
function judgeHistory(group: string, dump: Dump, findings: Findings): void {
  const last = new Map<string, bigint>();
  for (const { key, value } of (dump.records.get(OFFSETS_TOPIC) ?? []).flat()) {
    const named = readOffsetKey(bytesOf(key));
    if (named?.group !== group || value === '-') continue;
    findings.checked();
    const offset = bytesOf(value).readBigInt64BE(2);
    const before = last.get(named.partition) ?? -1n;
    if (offset < before)
      findings.add('offset went back', `${named.partition} from ${before} to ${offset}`);
    last.set(named.partition, offset);
  }
  if (last.size === 0) findings.add('offset went back', 'no commit was found to look at');
}

/** Null for what is no offset: the group's own record. Source: Kafka's `OffsetCommitKey`. */
function readOffsetKey(key: Buffer): { readonly group: string; readonly partition: string } | null {
  if (key.readInt16BE(0) > 1) return null;
  let at = 2;
  const string = (): string => {
    const length = key.readInt16BE(at);
    at += 2 + length;
    return key.toString('utf8', at - length, at);
  };
  const group = string();
  const topic = string();
  return { group, partition: `${topic}-${key.readInt32BE(at)}` };
}
