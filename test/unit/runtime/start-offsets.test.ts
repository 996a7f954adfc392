import type { Admin } from '../../../src/client/admin.ts';
import { resolveStartOffsets, type CommittedOffsets } from '../../../src/runtime/start-offsets.ts';
import type { OffsetReset } from '../../../src/topology/topology-plan.ts';

/** Logs that begin at 10 and end at 90. */
const admin: Pick<Admin, 'listOffsets'> = {
  listOffsets: (partitions, spec) => {
    const listed = { offset: spec === 'earliest' ? 10 : 90, timestampMs: -1, leaderEpoch: 0 };
    return Promise.resolve(
      new Map(partitions.map(({ topic, partition }) => [`${topic}-${partition}`, listed])),
    );
  },
};

async function startOf(policy: OffsetReset, committed: CommittedOffsets) {
  const partitions = [{ topic: 'in', partition: 0 }];
  const [start] = await resolveStartOffsets(partitions, committed, () => policy, admin);
  return start;
}

const NEVER: CommittedOffsets = new Map([['in-0', null]]);

describe('where an input partition begins', () => {
  test('at its committed offset, whatever the policy says', async () => {
    const committed = new Map([['in-0', { offset: 42, metadata: 'AgA=' }]]);
    for (const policy of ['earliest', 'latest', 'none'] as const) {
      expect(await startOf(policy, committed)).toMatchObject({
        offset: 42,
        metadata: 'AgA=',
        committed: true,
      });
    }
  });

  test('where the policy says, only where nothing was ever committed', async () => {
    expect(await startOf('earliest', NEVER)).toMatchObject({ offset: 10, committed: false });
    expect(await startOf('latest', NEVER)).toMatchObject({ offset: 90, committed: false });
    await expect(startOf('none', NEVER)).rejects.toMatchObject({
      code: 'STREAMS_OFFSET_OUT_OF_RANGE',
      site: { topic: 'in', partition: 0 },
    });
  });
});
