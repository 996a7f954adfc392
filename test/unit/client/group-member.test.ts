import type { GroupMember } from '../../../src/client/group-member.ts';
import { StreamsError } from '../../../src/common/errors.ts';
import type { Logger } from '../../../src/observability/logger.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { encodeAssignment } from '../../../src/wire/consumer-protocol.ts';
import * as messages from '../../../src/wire/messages/index.ts';
import { testMember, type TestMember, type TestMemberOptions } from '../../support/group.ts';
import { ScriptedCluster } from '../../support/scripted-cluster.ts';

interface Scene extends TestMember {
  readonly cluster: ScriptedCluster;
  /** Group requests, as `JoinGroup m-1 g4`. */
  readonly requests: string[];
  /** Lets heartbeats happen until the member wants to be polled. */
  untilRejoin(): Promise<void>;
}

const ASSIGNMENT = encodeAssignment({
  assignedPartitions: [{ topic: 'in', partitions: [0] }],
  userData: Buffer.from('tasks'),
});

/** A follower in a group whose coordinator takes everything: member id `m-n` for the n-th join, generation 4 and up. */
async function scene(
  setUp: (cluster: ScriptedCluster) => void = () => undefined,
  options: Partial<TestMemberOptions> = {},
): Promise<Scene> {
  const cluster = new ScriptedCluster();
  const requests: string[] = [];
  let generationId = 3;
  let given = 0;
  cluster
    .on(messages.joinGroup, ({ request }) => {
      requests.push(`JoinGroup ${request.memberId}`);
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        generationId: ++generationId,
        protocolType: 'consumer',
        protocolName: 'millrace-1',
        leader: 'another',
        skipAssignment: false,
        memberId: request.memberId === '' ? `m-${++given}` : request.memberId,
        members: [],
      };
    })
    .on(messages.syncGroup, ({ request }) => {
      requests.push(`SyncGroup ${request.memberId} g${request.generationId}`);
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        protocolType: 'consumer',
        protocolName: 'millrace-1',
        assignment: ASSIGNMENT,
      };
    })
    .on(messages.heartbeat, () => ({ throttleTimeMs: 0, errorCode: 0 }))
    .on(messages.leaveGroup, ({ request }) => {
      requests.push(`LeaveGroup ${request.members.map(({ memberId }) => memberId).join()}`);
      return { throttleTimeMs: 0, errorCode: 0, members: [] };
    });
  setUp(cluster);
  const joined = testMember({
    client: await cluster.connectClient(),
    groupId: 'group',
    topics: ['in'],
    sessionTimeoutMs: 45_000,
    heartbeatIntervalMs: 3_000,
    rebalanceTimeoutMs: 300_000,
    clock: cluster.time,
    timers: cluster.time,
    ...options,
  });
  return {
    ...joined,
    cluster,
    requests,
    untilRejoin: () =>
      cluster.time.advanceUntil('a rejoin is needed', () => joined.member.rejoinNeeded, 500),
  };
}

const joinCode =
  (errorCode: number, memberId = '') =>
  (usual: messages.JoinGroupResponse): messages.JoinGroupResponse => ({
    ...usual,
    errorCode,
    memberId,
  });
const syncCode =
  (errorCode: number) =>
  (usual: messages.SyncGroupResponse): messages.SyncGroupResponse => ({ ...usual, errorCode });
const beatCode =
  (errorCode: number) =>
  (usual: messages.HeartbeatResponse): messages.HeartbeatResponse => ({ ...usual, errorCode });
const assigned =
  (assignment: Uint8Array) =>
  (usual: messages.SyncGroupResponse): messages.SyncGroupResponse => ({ ...usual, assignment });

function generation(member: GroupMember): number | undefined {
  return member.membership?.generationId;
}

describe('joining', () => {
  test('takes the member id that the coordinator gives it, and keeps it', async () => {
    const s = await scene((cluster) => cluster.next(messages.joinGroup, joinCode(79, 'given')));
    await s.member.poll();
    expect(s.requests).toEqual(['JoinGroup ', 'JoinGroup given', 'SyncGroup given g5']);
    expect(s.events).toEqual(['assigned 0']);
    expect(s.member.membership).toEqual({
      groupId: 'group',
      memberId: 'given',
      generationId: 5,
      groupInstanceId: null,
    });
    s.member.requestRejoin('again');
    await s.member.poll();
    expect(s.requests.slice(3)).toEqual(['JoinGroup given', 'SyncGroup given g6']);
  });

  test('goes on after a coordinator that moves, loads, forgets the member or rebalances again', async () => {
    const s = await scene((cluster) => {
      cluster
        .next(
          messages.joinGroup,
          joinCode(16),
          joinCode(14),
          'cut',
          joinCode(0, 'old'),
          joinCode(25),
        )
        .next(messages.syncGroup, syncCode(27));
    });
    await s.member.poll();
    // The fourth join worked, its sync did not; the fifth was answered "unknown member", so the sixth has no id.
    expect(s.requests.filter((line) => line.startsWith('JoinGroup'))).toEqual([
      'JoinGroup ',
      'JoinGroup ',
      'JoinGroup ',
      'JoinGroup old',
      'JoinGroup ',
    ]);
    expect(s.events).toEqual(['assigned 0']);
  });

  test('goes on after answers that cannot be read', async () => {
    const s = await scene((cluster) => {
      cluster.next(messages.joinGroup, 'garbled', 'garbled').next(messages.syncGroup, 'garbled');
    });
    await s.member.poll();
    expect(s.events).toEqual(['assigned 0']);
  });

  test('a coordinator that only answers nonsense is given up after maxPollIntervalMs, and the error says why', async () => {
    const s = await scene((cluster) => cluster.on(messages.joinGroup, () => 'garbled'), {
      rebalanceTimeoutMs: 10_000,
    });
    await expect(s.member.poll()).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      cause: { code: 'STREAMS_CORRUPT_MESSAGE' },
    });
  });

  test('is given up after maxPollIntervalMs, and may be tried again', async () => {
    const s = await scene((cluster) => cluster.on(messages.joinGroup, () => 'cut'), {
      rebalanceTimeoutMs: 10_000,
    });
    await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CLIENT' });
    expect(s.member.rejoinNeeded).toBe(true);
  });

  test.each([
    ['no user data', encodeAssignment({ assignedPartitions: [], userData: null })],
    ['empty user data', encodeAssignment({ assignedPartitions: [], userData: new Uint8Array(0) })],
    ['something that is no assignment', Buffer.from('opaque')],
  ])('an assignment with %s is of another kind of client: stop', async (_name, bytes) => {
    const s = await scene((cluster) => cluster.next(messages.syncGroup, assigned(bytes)));
    await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
    expect(s.member.membership).toBeNull();
  });

  test('an assignment of no bytes is nothing to do', async () => {
    const s = await scene((cluster) =>
      cluster.next(messages.syncGroup, assigned(new Uint8Array(0))),
    );
    await s.member.poll();
    expect(s.events).toEqual(['assigned ']);
  });

  test('another protocol than ours is of another kind of client: stop', async () => {
    const s = await scene((cluster) =>
      cluster.next(messages.joinGroup, (usual) => ({ ...usual, protocolName: 'range' })),
    );
    await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
  });

  test('members of another kind are waited for with a warning each 10 s, then it is an error', async () => {
    const warnings: string[] = [];
    const logger: Logger = {
      ...SILENT_LOGGER,
      warn: (_fields, message) => {
        warnings.push(message);
      },
    };
    const s = await scene(
      (cluster) =>
        cluster.on(messages.joinGroup, () => ({
          throttleTimeMs: 0,
          errorCode: 23,
          generationId: -1,
          protocolType: null,
          protocolName: null,
          leader: '',
          skipAssignment: false,
          memberId: '',
          members: [],
        })),
      { logger },
    );
    const startMs = s.cluster.time.nowMs();
    await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
    const waitedMs = s.cluster.time.nowMs() - startMs;
    expect(waitedMs).toBeGreaterThan(105_000);
    expect(waitedMs).toBeLessThan(110_000);
    expect(warnings).toHaveLength(11);
  });

  test('a leader that finds a member of another kind stops', async () => {
    const s = await scene((cluster) =>
      cluster.next(messages.joinGroup, (usual) => ({
        ...usual,
        leader: usual.memberId,
        members: [{ memberId: 'x', groupInstanceId: null, metadata: Buffer.from('opaque') }],
      })),
    );
    await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
  });

  test('a static leader that is told to skip the assignment assigns nothing', async () => {
    const s = await scene(
      (cluster) =>
        cluster.next(messages.joinGroup, (usual) => ({
          ...usual,
          leader: usual.memberId,
          skipAssignment: true,
        })),
      { groupInstanceId: 'one' },
    );
    await s.member.poll();
    expect(s.asked).toEqual([]);
    expect(s.events).toEqual(['assigned 0']);
  });
});

describe('being a member', () => {
  test('a rebalance is noticed by a heartbeat, and gives everything up before it joins', async () => {
    const s = await scene((cluster) => cluster.next(messages.heartbeat, beatCode(27)));
    await s.member.poll();
    const before = generation(s.member);
    await s.untilRejoin();
    expect(generation(s.member)).toBe(before);
    await s.member.poll();
    expect(s.events).toEqual(['assigned 0', 'revoked', 'assigned 0']);
    expect(generation(s.member)).toBeGreaterThan(before ?? 0);
  });

  test.each([
    [25, 'JoinGroup '],
    [22, 'JoinGroup m-1'],
  ])(
    'a heartbeat that is answered %i loses everything, and the group is joined anew',
    async (errorCode, join) => {
      const s = await scene((cluster) => cluster.next(messages.heartbeat, beatCode(errorCode)));
      await s.member.poll();
      await s.untilRejoin();
      await s.member.poll();
      expect(s.events).toEqual(['assigned 0', 'lost STREAMS_TASK_MIGRATED', 'assigned 0']);
      expect(s.requests[2]).toBe(join);
    },
  );

  test('a static member whose place was taken stops for good', async () => {
    const s = await scene((cluster) => cluster.next(messages.heartbeat, beatCode(82)), {
      groupInstanceId: 'one',
    });
    await s.member.poll();
    await s.untilRejoin();
    for (let turn = 0; turn < 2; turn++) {
      await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
    }
    expect(s.events).toEqual(['assigned 0', 'lost STREAMS_TASK_MIGRATED']);
  });

  test('heartbeats that fail are no reason to give anything up', async () => {
    const s = await scene((cluster) =>
      cluster.next(messages.heartbeat, 'cut', 'garbled', beatCode(16), beatCode(15), beatCode(27)),
    );
    await s.member.poll();
    await s.untilRejoin();
    expect(s.cluster.log.filter((line) => line.startsWith('Heartbeat'))).toHaveLength(5);
    expect(s.events).toEqual(['assigned 0']);
  });

  test('an owner that does not poll in time loses everything, and the member leaves by itself', async () => {
    const s = await scene();
    await s.member.poll();
    for (let round = 0; round < 10; round++) {
      s.cluster.time.advance(100_000);
      await s.cluster.time.yieldToEventLoop();
      await s.member.poll();
    }
    expect(s.events).toEqual(['assigned 0']);
    await s.untilRejoin();
    await s.cluster.time.advanceUntil('it has left', () => s.requests.at(-1) === 'LeaveGroup m-1');
    await s.member.poll();
    expect(s.events).toEqual(['assigned 0', 'lost STREAMS_TASK_MIGRATED', 'assigned 0']);
    expect(s.requests.filter((line) => line.startsWith('JoinGroup'))).toEqual([
      'JoinGroup ',
      'JoinGroup ',
    ]);
  });

  test('leaving gives the partitions up first, and says so to the coordinator', async () => {
    const s = await scene();
    await s.member.poll();
    await s.member.leave();
    expect(s.events).toEqual(['assigned 0', 'revoked']);
    expect(s.requests.at(-1)).toBe('LeaveGroup m-1');
    expect(s.member.membership).toBeNull();
  });

  test('closing ends a join that is under way', async () => {
    const s = await scene((cluster) => cluster.next(messages.joinGroup, 'hang'));
    const joining = s.member.poll();
    await s.cluster.time.advanceUntil('the join is under way', () =>
      s.cluster.log.includes('JoinGroup v9@1'),
    );
    await s.member.close();
    await expect(joining).rejects.toMatchObject({ code: 'STREAMS_STOPPED' });
    expect(s.requests).toEqual([]);
  });
});

describe('group member, after something went wrong', () => {
  test('an assignment that could not be taken over comes again', async () => {
    let isBroken = true;
    const events: string[] = [];
    const s = await scene(undefined, {
      listener: {
        onRevoked: () => {
          events.push('revoked');
          return Promise.resolve();
        },
        onAssigned: () => {
          if (isBroken) return Promise.reject(new StreamsError('STREAMS_CLIENT', 'not now'));
          events.push('assigned');
          return Promise.resolve();
        },
        onLost: () => Promise.resolve(),
      },
    });
    await expect(s.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CLIENT' });
    isBroken = false;
    expect(s.member.rejoinNeeded).toBe(true);
    await s.member.poll();
    expect(events).toEqual(['revoked', 'assigned']);
    expect(s.member.rejoinNeeded).toBe(false);
    await s.member.close();
  });

  test('a membership that was lost while its leader assigned is not the one that it joins with next', async () => {
    const cluster: ScriptedCluster[] = [];
    const s = await scene(
      (scripted) => {
        cluster.push(scripted);
        scripted
          .next(messages.joinGroup, (usual) => ({ ...usual, leader: usual.memberId }))
          .next(messages.heartbeat, (usual) => ({ ...usual, errorCode: 25 }))
          .next(messages.syncGroup, (usual) => ({ ...usual, errorCode: 25 }));
      },
      {
        assignor: {
          topics: () => ['in'],
          subscriptionUserData: () => Promise.resolve(Buffer.from('data')),
          ownedPartitions: () => [],
          assign: async () => {
            cluster[0]?.time.advance(3_000);
            for (let turn = 0; turn < 50; turn++) await cluster[0]?.time.yieldToEventLoop();
            return new Map();
          },
        },
      },
    );
    await s.member.poll();
    await s.member.poll();
    expect(s.events).toEqual(['assigned 0']);
    await s.member.close();
  });
});
