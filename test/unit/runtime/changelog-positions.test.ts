import {
  readChangelogFacts,
  refuseTruncatedChangelog,
  resumePoint,
  type ChangelogFacts,
} from '../../../src/runtime/changelog-positions.ts';

const NOW = 1_700_000_000_000;
const DAY = 86_400_000;
const FACTS: ChangelogFacts = {
  topic: 'app-counts-changelog',
  partition: 0,
  topicId: 'aa',
  earliest: 10,
  end: 100,
  compacted: true,
  deleteRetentionMs: DAY,
  retentionMs: Infinity,
};

const at = (offset: number, ageMs = 0, topicId = 'aa') => ({
  topicId,
  offset,
  wallTimeMs: NOW - ageMs,
});

test('a restore ends at the high watermark: the stable end may lie before records that are committed', async () => {
  const asked: string[] = [];
  const admin = {
    describeTopics: () => Promise.resolve(new Map([['log', { topicId: 'aa', partitionCount: 1 }]])),
    describeConfigs: () => Promise.resolve(new Map([['log', new Map<string, string>()]])),
    listOffsets: (_: unknown, spec: string, isolation: string) => {
      asked.push(`${spec} ${isolation}`);
      const offset = spec === 'earliest' ? 0 : 7;
      return Promise.resolve(new Map([['log-0', { offset }]]));
    },
  };
  const facts = await readChangelogFacts(admin as never, [{ topic: 'log', partition: 0 }]); // no more is called
  expect(asked).toEqual(['earliest read_uncommitted', 'latest read_uncommitted']);
  expect(facts.get('log-0')).toMatchObject({ earliest: 0, end: 7 });
});

describe('where a restore begins', () => {
  test('without a local position it begins where the log does', () => {
    expect(resumePoint(undefined, FACTS, NOW, true)).toEqual({ offset: 10, wipe: null });
  });

  test('a position inside the log goes on, both ends included', () => {
    for (const offset of [10, 55, 100]) {
      expect(resumePoint(at(offset), FACTS, NOW, true)).toEqual({ offset, wipe: null });
    }
  });

  test('a log that has lost no more than the marker of our own commit has lost nothing', () => {
    expect(resumePoint(at(9), FACTS, NOW, true)).toEqual({ offset: 10, wipe: null });
    expect(resumePoint(at(8), FACTS, NOW, true).wipe?.detail).toContain('begins at 10');
    // At least once there are no markers: what the log has lost at the position was a record.
    expect(resumePoint(at(9), FACTS, NOW, false).wipe?.detail).toContain('begins at 10');
  });

  test('a position beyond the end belongs to a log that was truncated', () => {
    expect(resumePoint(at(101), FACTS, NOW, true)).toMatchObject({
      offset: 10,
      wipe: { reason: 'position-unusable' },
    });
  });

  test('a topic that was made again has nothing to do with the position', () => {
    expect(resumePoint(at(50, 0, 'bb'), FACTS, NOW, true).wipe?.reason).toBe('topic-recreated');
  });

  test('a position older than tombstones are kept could bring deleted keys back', () => {
    expect(resumePoint(at(50, DAY * 0.89), FACTS, NOW, true).wipe).toBeNull();
    expect(resumePoint(at(50, DAY * 0.9), FACTS, NOW, true).wipe?.detail).toContain('tombstones');
    expect(resumePoint(at(50, DAY * 9), { ...FACTS, compacted: false }, NOW, true).wipe).toBeNull();
  });
});

describe('a changelog that age has eaten into', () => {
  const windows = { name: 'windows', retentionMs: DAY, kind: 'window' } as never;
  const facts = { ...FACTS, retentionMs: 2 * DAY };
  const check = (streamTimeMs: number, changed: Partial<ChangelogFacts> = {}): void => {
    refuseTruncatedChangelog(windows, { ...facts, ...changed }, { streamTimeMs, nowMs: NOW });
  };

  test('is refused when windows that are live may be gone', () => {
    expect(() => {
      check(NOW - DAY - 1);
    }).toThrow('live, so some may be gone');
  });

  test('is fine as long as event time keeps up with the clock', () => {
    expect(() => {
      check(NOW - DAY);
    }).not.toThrow();
  });

  test('is fine where nothing was deleted, nothing expires, or nothing was ever committed', () => {
    expect(() => {
      check(0, { earliest: 0 });
      check(0, { retentionMs: Infinity });
      check(-1);
    }).not.toThrow();
  });
});
