import { encodeSubscription } from '../../../src/wire/consumer-protocol.ts';
import { deleteGroups } from '../../../src/wire/messages/delete-groups.ts';
import { describeGroups } from '../../../src/wire/messages/describe-groups.ts';
import { heartbeat } from '../../../src/wire/messages/heartbeat.ts';
import { joinGroup } from '../../../src/wire/messages/join-group.ts';
import { leaveGroup } from '../../../src/wire/messages/leave-group.ts';
import { offsetCommit } from '../../../src/wire/messages/offset-commit.ts';
import { offsetFetch } from '../../../src/wire/messages/offset-fetch.ts';
import { syncGroup } from '../../../src/wire/messages/sync-group.ts';
import {
  expectFidelity,
  type FidelityConnection,
  type FidelityRun,
} from '../../support/fidelity.ts';
import {
  addOffsets,
  commitInTxn,
  committedOffset,
  endTransaction,
  initProducer,
  makeTopic,
} from '../../support/fidelity-requests.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

interface JoinSpec {
  readonly memberId?: string;
  readonly instance?: string;
  readonly data?: string;
  readonly protocol?: string;
  readonly type?: string;
  readonly sessionTimeoutMs?: number;
  readonly version?: number;
}

function joinRequest(groupId: string, spec: JoinSpec) {
  const { memberId = '', instance = null, data = 'data', protocol = 'ours' } = spec;
  const { type = 'consumer', sessionTimeoutMs = 10_000 } = spec;
  const metadata = encodeSubscription({
    topics: ['t'],
    userData: Buffer.from(data),
    ownedPartitions: [],
  });
  return {
    groupId,
    sessionTimeoutMs,
    rebalanceTimeoutMs: 10_000,
    memberId,
    groupInstanceId: instance,
    protocolType: type,
    protocols: [{ name: protocol, metadata }],
  };
}

/** Joins as far as to be parked, or answered; a dynamic member asks for its id first. */
async function join(connection: FidelityConnection, groupId: string, spec: JoinSpec = {}) {
  const { version = 9 } = spec;
  const first = await connection.ask(joinGroup, version, joinRequest(groupId, spec));
  if (first.errorCode !== 79) return first;
  const again = { ...spec, memberId: first.memberId };
  return connection.ask(joinGroup, version, joinRequest(groupId, again));
}

function sync(
  connection: FidelityConnection,
  groupId: string,
  {
    generationId,
    memberId,
    instance = null,
    assign = {},
  }: {
    readonly generationId: number;
    readonly memberId: string;
    readonly instance?: string | null;
    readonly assign?: Readonly<Record<string, string>>;
  },
) {
  return connection.send(syncGroup, 5, {
    groupId,
    generationId,
    memberId,
    groupInstanceId: instance,
    protocolType: 'consumer',
    protocolName: 'ours',
    assignments: Object.entries(assign).map(([id, text]) => ({
      memberId: id,
      assignment: Buffer.from(text),
    })),
  });
}

async function alone(run: FidelityRun, groupId: string, spec: JoinSpec = {}) {
  const connection = await run.connect();
  const joined = await join(connection, groupId, spec);
  run.note('joined', joined);
  const { memberId, generationId } = joined;
  const instance = spec.instance ?? null;
  await sync(connection, groupId, {
    memberId,
    generationId,
    instance,
    assign: { [memberId]: 'all' },
  });
  return { connection, memberId, generationId };
}

/** The embedded broker answers as a real one does. */
describe('a group', () => {
  test('of one: joins, syncs, beats, rejoins and leaves', () =>
    expectFidelity(async (run) => {
      const groupId = run.name('group');
      const connection = await run.connect();
      const asked = await connection.send(joinGroup, 9, joinRequest(groupId, {}));
      const { memberId } = asked;
      const joined = await connection.send(joinGroup, 9, joinRequest(groupId, { memberId }));
      const { generationId } = joined;
      const beat = (id: string, generation: number, groupInstanceId: string | null = null) =>
        run.send(heartbeat, 4, {
          groupId,
          memberId: id,
          generationId: generation,
          groupInstanceId,
        });
      await beat(memberId, generationId);
      await sync(connection, groupId, { memberId, generationId: generationId - 1 });
      await sync(connection, groupId, { memberId: 'stranger', generationId });
      const nameless = { groupId, generationId, memberId, assignments: [] };
      await run.send(syncGroup, 5, nameless);
      await run.send(syncGroup, 5, { ...nameless, protocolType: 'consumer', protocolName: 'x' });
      await sync(connection, groupId, { memberId, generationId, assign: { [memberId]: 'all' } });
      await sync(connection, groupId, { memberId, generationId });
      await run
        .send(describeGroups, 5, { groups: [groupId, 'no-such-group'] })
        .then(() => undefined);
      await beat(memberId, generationId);
      await beat(memberId, generationId + 1);
      await beat('stranger', generationId);
      await beat(memberId, generationId, 'no-such-instance');
      for (const spec of [
        { memberId: 'stranger' },
        { memberId, protocol: 'theirs' },
        { type: 'connect' },
        { sessionTimeoutMs: 1 },
      ]) {
        await connection.send(joinGroup, 9, joinRequest(groupId, spec));
      }
      const rejoined = await connection.send(joinGroup, 9, joinRequest(groupId, { memberId }));
      await sync(connection, groupId, { memberId, generationId: rejoined.generationId });
      const leave = (id: string) =>
        run.send(leaveGroup, 5, { groupId, members: [{ memberId: id }] });
      await run.send(deleteGroups, 2, { groupsNames: [groupId, 'no-such-group'] });
      await leave('stranger');
      await leave(memberId);
      await leave(memberId);
      await beat(memberId, generationId);
      await connection.send(joinGroup, 9, joinRequest('', {}));
      await connection.send(joinGroup, 5, joinRequest(run.name('older'), {}));
      await connection.send(joinGroup, 5, joinRequest('', {}));
      await connection.send(joinGroup, 3, joinRequest(run.name('older'), { version: 3 }));
    }));

  test('of two: a rebalance, its errors, and a member that leaves', () =>
    expectFidelity(async (run) => {
      const groupId = run.name('group');
      const first = await alone(run, groupId);
      const second = await run.connect();
      const joining = join(second, groupId);
      const beat = (memberId: string, generationId: number) =>
        run.ask(heartbeat, 4, { groupId, memberId, generationId });
      await until(
        'a rebalance',
        async () => (await beat(first.memberId, first.generationId)).errorCode === 27,
      );
      await sync(first.connection, groupId, first);
      const [rejoined, other] = await Promise.all([
        first.connection.ask(joinGroup, 9, joinRequest(groupId, { memberId: first.memberId })),
        joining,
      ]);
      run.note('leader', rejoined.members.length);
      run.note('follower', other);
      const { generationId } = rejoined;
      run.note('between join and sync', await beat(first.memberId, generationId));
      const followerSync = sync(second, groupId, { memberId: other.memberId, generationId });
      await followerSyncIsParked(run, groupId);
      const assign = { [first.memberId]: 'one', [other.memberId]: 'two' };
      await Promise.all([
        followerSync,
        first.connection.ask(syncGroup, 5, {
          groupId,
          generationId,
          memberId: first.memberId,
          protocolType: 'consumer',
          protocolName: 'ours',
          assignments: Object.entries(assign).map(([memberId, text]) => ({
            memberId,
            assignment: Buffer.from(text),
          })),
        }),
      ]);
      const again = { memberId: other.memberId };
      await second.send(joinGroup, 9, joinRequest(groupId, again));
      const changed = second.ask(joinGroup, 9, joinRequest(groupId, { ...again, data: 'new' }));
      await until(
        'a rebalance',
        async () => (await beat(first.memberId, generationId)).errorCode === 27,
      );
      await run.send(leaveGroup, 5, { groupId, members: [{ memberId: first.memberId }] });
      const alonePart = await changed;
      run.note('alone', alonePart);
      await run.send(heartbeat, 4, { groupId, memberId: first.memberId, generationId });
    }));

  test('with a static member: its place survives a restart, and its old self is fenced', () =>
    expectFidelity(async (run) => {
      const groupId = run.name('group');
      const old = await alone(run, groupId, { instance: 'i' });
      for (const data of ['data', 'changed']) {
        const back = await old.connection.send(
          joinGroup,
          9,
          joinRequest(groupId, { instance: 'i', data }),
        );
        await sync(old.connection, groupId, { ...back, instance: 'i' });
      }
      await old.connection.send(joinGroup, 8, joinRequest(groupId, { instance: 'i' }));
      const { memberId, generationId } = old;
      const beat = { groupId, memberId, generationId, groupInstanceId: 'i' };
      await run.send(heartbeat, 4, beat);
      await run.send(heartbeat, 4, { ...beat, groupInstanceId: null });
      await sync(old.connection, groupId, { ...old, instance: 'i' });
      await old.connection.send(joinGroup, 9, joinRequest(groupId, { instance: 'i', memberId }));
      await run.send(leaveGroup, 5, { groupId, members: [{ memberId, groupInstanceId: 'i' }] });
      const byInstance = { groupId, members: [{ memberId: '', groupInstanceId: 'i' }] };
      await run.send(leaveGroup, 5, byInstance);
      await run.send(leaveGroup, 5, byInstance);
    }));

  test('a member that is not heard of is removed', () =>
    expectFidelity(async (run) => {
      const groupId = run.name('group');
      const { memberId, generationId } = await alone(run, groupId, { sessionTimeoutMs: 1_000 });
      await until('the end of the session', async () => {
        const { groups } = await run.ask(describeGroups, 5, { groups: [groupId] });
        return groups[0]?.groupState === 'Empty';
      });
      await run.send(heartbeat, 4, { groupId, memberId, generationId });
    }));
});

describe('committed offsets', () => {
  test('are fenced by member and generation, where somebody asks for it', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const groupId = run.name('group');
      const transactionalId = run.name('txn');
      const producer = await initProducer(run, transactionalId);
      const { memberId, generationId, connection } = await alone(run, groupId);
      await addOffsets(run, transactionalId, producer, groupId);
      const commit = { ...producer, transactionalId, groupId, topic, offset: 5 };
      for (const version of [3, 4]) {
        for (const who of [
          { memberId, generationId },
          { memberId, generationId: generationId - 1 },
          { memberId, generationId: generationId + 1 },
          { memberId: 'stranger', generationId },
          { memberId: '', generationId },
          { memberId, generationId: -1 },
          { memberId: '', generationId: -1 },
          { memberId, generationId, groupInstanceId: 'i' },
        ]) {
          await commitInTxn(run, { ...commit, ...who, version });
        }
      }
      await commitInTxn(run, { ...commit, version: 0 });
      await commitInTxn(run, { ...commit, memberId, generationId, metadata: 'x'.repeat(4_096) });
      await commitInTxn(run, { ...commit, memberId, generationId, metadata: 'x'.repeat(4_097) });
      await commitInTxn(run, { ...commit, memberId, generationId, topic: 'no-such-topic' });
      await committedOffset(run, groupId, topic);
      await committedOffset(run, groupId, topic, { version: 8 });
      await committedOffset(run, groupId, topic, { requireStable: false });
      const plain = (generation: number, id: string) =>
        run.send(offsetCommit, 8, {
          groupId,
          generationIdOrMemberEpoch: generation,
          memberId: id,
          topics: [{ name: topic, partitions: [offset(3), offset(3, 9)] }],
        });
      await plain(generationId, memberId);
      await plain(generationId + 1, memberId);
      await plain(-1, '');
      await plain(generationId, 'stranger');
      await committedOffset(run, groupId, topic, { requireStable: false });
      await endTransaction(run, transactionalId, producer, true);
      await committedOffset(run, groupId, topic, { waits: true });
      await connection.send(leaveGroup, 5, { groupId, members: [{ memberId }] });
      await plain(-1, '');
      await plain(generationId, memberId);
      await committedOffset(run, groupId, topic);
      const all = { groups: [{ groupId, topics: null }], requireStable: true };
      await run.send(offsetFetch, 8, all);
      await committedOffset(run, run.name('nobody'), topic);
      const next = { ...commit, groupId: run.name('new') };
      await addOffsets(run, transactionalId, producer, next.groupId);
      await commitInTxn(run, { ...next, memberId, generationId });
      await commitInTxn(run, next);
      await endTransaction(run, transactionalId, producer, false);
      await committedOffset(run, next.groupId, topic, { waits: true });
    }));
});

function offset(committedOffset: number, partitionIndex = 0) {
  return { partitionIndex, committedOffset, committedMetadata: 'm' };
}

/** Nothing tells that a SyncGroup is parked but that the group still waits. */
async function followerSyncIsParked(run: FidelityRun, groupId: string): Promise<void> {
  const { groups } = await run.ask(describeGroups, 5, { groups: [groupId] });
  expect(groups[0]?.groupState).toBe('CompletingRebalance');
}
