import { commitOffsets, fetchCommitted } from '../../../src/client/committed-offsets.ts';
import * as messages from '../../../src/wire/messages/index.ts';
import { ScriptedCluster } from '../../support/scripted-cluster.ts';

const PARTITIONS = [
  { topic: 'in', partition: 0 },
  { topic: 'in', partition: 1 },
];
const OPTIONS = { requireStable: true, deadlineMs: 5_000 };

interface Fetch {
  readonly cluster: ScriptedCluster;
  /** Partitions of each request. */
  readonly asked: (readonly number[])[];
}

/** A group whose partition 0 is committed at 5 and whose partition 1 answers `codes`, one after the other, then 0 and -1. */
function groupWith(codes: readonly number[]): Fetch {
  const cluster = new ScriptedCluster();
  const asked: (readonly number[])[] = [];
  const left = [...codes];
  cluster.on(messages.offsetFetch, ({ request }) => {
    const [group] = request.groups;
    const topics = group?.topics ?? [];
    asked.push(topics.flatMap(({ partitionIndexes }) => partitionIndexes));
    expect(request.requireStable).toBe(true);
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      topics: [],
      groups: [
        {
          groupId: group?.groupId ?? '',
          errorCode: 0,
          topics: topics.map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partitionIndex) => ({
              partitionIndex,
              committedOffset: partitionIndex === 0 ? 5 : -1,
              committedLeaderEpoch: -1,
              metadata: 'm',
              errorCode: partitionIndex === 0 ? 0 : (left.shift() ?? 0),
            })),
          })),
        },
      ],
    };
  });
  return { cluster, asked };
}

describe('committed offsets', () => {
  test('a partition with a transaction pending is asked for again until it is stable, the others are not', async () => {
    const { cluster, asked } = groupWith([88, 88, 88]);
    const client = await cluster.connectClient();
    const startMs = cluster.time.nowMs();
    const committed = await fetchCommitted(client, 'group', PARTITIONS, OPTIONS);
    expect(committed.get('in-0')).toMatchObject({ offset: 5, metadata: 'm' });
    expect(committed.get('in-1')).toBeNull();
    expect(asked).toEqual([[0, 1], [1], [1], [1]]);
    // 2, 4 and 8 ms.
    expect(cluster.time.nowMs() - startMs).toBe(14);
  });

  test('one that does not become stable is an error at the deadline', async () => {
    const { cluster } = groupWith(Array.from({ length: 1_000 }, () => 88));
    const client = await cluster.connectClient();
    await expect(fetchCommitted(client, 'group', PARTITIONS, OPTIONS)).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      message: expect.stringContaining('UNSTABLE_OFFSET_COMMIT') as unknown,
    });
  });

  test('a broker that cannot wait for stable offsets is not supported', async () => {
    const { cluster } = groupWith([]);
    cluster.maxVersions = { OffsetFetch: 6 };
    const client = await cluster.connectClient();
    await expect(fetchCommitted(client, 'group', PARTITIONS, OPTIONS)).rejects.toMatchObject({
      code: 'STREAMS_BROKER_UNSUPPORTED',
    });
  });

  test.each([
    [16, null],
    [22, 'STREAMS_TASK_MIGRATED'],
    [27, 'STREAMS_TASK_MIGRATED'],
    [30, 'STREAMS_AUTHORIZATION'],
  ])('a commit refused with %i is %p', async (errorCode, expected) => {
    const cluster = new ScriptedCluster();
    let refused = 0;
    cluster.on(messages.offsetCommit, ({ request }) => {
      expect(request).toMatchObject({ memberId: 'm', generationIdOrMemberEpoch: 2 });
      return {
        throttleTimeMs: 0,
        topics: request.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: refused++ === 0 ? errorCode : 0,
          })),
        })),
      };
    });
    const client = await cluster.connectClient();
    const membership = { groupId: 'group', memberId: 'm', generationId: 2, groupInstanceId: null };
    const offsets = [{ topic: 'in', partition: 0, offset: 6, metadata: '' }];
    const committing = commitOffsets(client, membership, offsets);
    if (expected === null) await committing;
    else await expect(committing).rejects.toMatchObject({ code: expected });
  });
});
