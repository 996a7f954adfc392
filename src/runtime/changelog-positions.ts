import type { Admin } from '../client/admin.ts';
import { invariant, StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { Wipe } from '../state/state-directory.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { ChangelogPosition } from '../state/task-storage.ts';

/** What the broker says of one changelog partition, read after the stable offsets (A3 before A4). */
export interface ChangelogFacts extends TopicPartition {
  readonly topicId: string;
  readonly earliest: number;
  /** The high watermark: a restore ends here, never at the last stable offset (I7). */
  readonly end: number;
  /** A source topic of the task: it ends for a restore where the task goes on reading, and nothing beyond is restored. */
  readonly isSource?: boolean;
  readonly compacted: boolean;
  /** How long tombstones stay readable. */
  readonly deleteRetentionMs: number;
  /** How old a segment gets; infinite where age deletes nothing. */
  readonly retentionMs: number;
}

/**
 * Step A4: ids, bounds and configs of changelog partitions, by `partitionKey`.
 *
 * Errors: `STREAMS_TOPIC_MISSING` for a changelog that is not there: its state is only on this disk then, if anywhere,
 * so nothing is touched.
 */
export async function readChangelogFacts(
  admin: Admin,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, ChangelogFacts>> {
  if (partitions.length === 0) return new Map();
  const names = [...new Set(partitions.map(({ topic }) => topic))];
  const topics = await admin.describeTopics(names);
  for (const name of names) if (topics.get(name) === undefined) throw missingChangelog(name);
  const [configs, earliest, end] = await Promise.all([
    admin.describeConfigs(names),
    admin.listOffsets(partitions, 'earliest', 'read_uncommitted'),
    admin.listOffsets(partitions, 'latest', 'read_uncommitted'),
  ]);
  const facts = partitions.map(({ topic, partition }): [string, ChangelogFacts] => {
    const key = partitionKey(topic, partition);
    const info = topics.get(topic);
    const first = earliest.get(key);
    const last = end.get(key);
    const config = configs.get(topic);
    const isKnown = info !== undefined && first !== undefined && last !== undefined;
    invariant(isKnown && config !== undefined, 'the broker left a changelog out', {
      topic,
      partition,
    });
    const policy = config.get('cleanup.policy') ?? '';
    const retention = Number(config.get('retention.ms') ?? -1);
    return [
      key,
      {
        topic,
        partition,
        topicId: info.topicId,
        earliest: first.offset,
        end: last.offset,
        compacted: policy.includes('compact'),
        deleteRetentionMs: Number(config.get('delete.retention.ms') ?? Infinity),
        retentionMs: policy.includes('delete') && retention >= 0 ? retention : Infinity,
      },
    ];
  });
  return new Map(facts);
}

/** Where a restore begins, and why the folder has to be wiped before, if it has. */
export interface ResumePoint {
  readonly offset: number;
  readonly wipe: Wipe | null;
}

/** A position this much younger than the retention of tombstones is still trusted. */
const TOMBSTONE_MARGIN = 0.1;

/**
 * Step A5: whether the local position continues this changelog.
 *
 * Exactly once, a position of ours is followed by the marker of the commit that wrote it (`isMarked`). Where that marker is
 * all that the log has lost, nothing is lost.
 */
export function resumePoint(
  position: ChangelogPosition | undefined,
  facts: ChangelogFacts,
  nowMs: number,
  isMarked: boolean,
): ResumePoint {
  const { earliest, end, topicId } = facts;
  if (position === undefined) return { offset: earliest, wipe: null };
  const { offset, wallTimeMs } = position;
  const unusable = (detail: string): ResumePoint => ({
    offset: earliest,
    wipe: { reason: 'position-unusable', detail: `position ${offset}: ${detail}` },
  });

  if (position.topicId !== topicId) {
    const detail = `the topic has the id ${topicId}, and had ${position.topicId}`;
    return { offset: earliest, wipe: { reason: 'topic-recreated', detail } };
  }
  if (offset > end) return unusable(`the log ends at ${end}, so it was truncated`);
  if (offset + (isMarked ? 1 : 0) < earliest) return unusable(`the log begins at ${earliest}`);
  const ageMs = nowMs - wallTimeMs;
  if (facts.compacted && ageMs >= facts.deleteRetentionMs * (1 - TOMBSTONE_MARGIN)) {
    return unusable(`${ageMs} ms old, and tombstones are kept for ${facts.deleteRetentionMs} ms`);
  }
  return { offset: Math.max(offset, earliest), wipe: null };
}

/**
 * Throws where rebuilding a windowed store would silently miss live windows: brokers delete segments of its changelog
 * by the clock, and event time is so far behind the clock that windows still open are older than that
 * (a backfill). The folder is left as it is.
 */
export function refuseTruncatedChangelog(
  { name, retentionMs: storeRetentionMs }: StoreBuilder,
  { topic, partition, earliest, retentionMs }: ChangelogFacts,
  { streamTimeMs, nowMs }: { readonly streamTimeMs: number; readonly nowMs: number },
): void {
  if (storeRetentionMs === undefined || earliest === 0 || streamTimeMs < 0) return;
  if (streamTimeMs - storeRetentionMs >= nowMs - retentionMs) return;
  throw new StreamsError(
    'STREAMS_CHANGELOG_TRUNCATED',
    `the local copy of the store cannot be used, and its changelog begins at offset ${earliest}: the broker deletes what is older than ${retentionMs} ms by its clock, while windows from ${streamTimeMs - storeRetentionMs} (ms since the epoch) on are live, so some may be gone. Give the store's logging options retention.ms=-1 before such a backfill; to go on with what is left, start once with allowTruncatedChangelog: true`,
    { site: { store: name, topic, partition } },
  );
}

function missingChangelog(topic: string): StreamsError {
  return new StreamsError(
    'STREAMS_TOPIC_MISSING',
    'the changelog topic is gone, and the local store may be its only copy, so nothing was touched: bring the topic back, or start once with createMissingInternalTopics: true and an empty state folder',
    { site: { topic } },
  );
}
