import { Admin } from '../../../src/client/admin.ts';
import { commitOffsets, fetchCommitted } from '../../../src/client/committed-offsets.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { joinGroup } from '../../../src/wire/messages/join-group.ts';
import { createTopic, uniqueName } from '../../support/broker.ts';
import { connectClient } from '../../support/client.ts';
import { joinAlone, testMember, type TestMember } from '../../support/group.ts';
import { until } from '../../support/until.ts';

/** Each member has a client of its own, as each stream thread does: a parked JoinGroup holds its lane. */
const clients: KafkaClient[] = [];

async function newClient(): Promise<KafkaClient> {
  const client = await connectClient();
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** Polls them together until each has an assignment of one and the same generation. */
async function settle(...members: TestMember[]): Promise<void> {
  await until('the group settles', async () => {
    await Promise.all(members.map(({ member }) => member.poll()));
    const generations = members.map(({ member }) => member.membership?.generationId);
    return (
      members.every(({ member }) => !member.rejoinNeeded) &&
      generations.every((generation) => generation === generations[0])
    );
  });
}

describe('group member', () => {
  test('two members share the partitions, and the one that stays gets all of them back', async () => {
    const groupId = uniqueName('group');
    const shared = { groupId, topics: ['in'], partitions: 4 };
    const first = testMember({ client: await newClient(), ...shared });
    await first.member.poll();
    expect(first.events).toEqual(['assigned 0,1,2,3']);

    const second = testMember({ client: await newClient(), ...shared });
    const woken = new Promise<void>((resolve) => {
      first.member.onRejoinNeeded(resolve);
    });
    const joining = second.member.poll();
    await woken;
    expect(first.member.rejoinNeeded).toBe(true);
    await Promise.all([first.member.poll(), joining]);
    await settle(first, second);
    expect(first.events.slice(1)).toEqual(['revoked', expect.stringMatching(/assigned \d,\d/)]);
    expect(second.events).toEqual([expect.stringMatching(/assigned \d,\d/)]);

    await second.member.leave();
    expect(second.events.at(-1)).toBe('revoked');
    await until('the other one is told', () => first.member.rejoinNeeded);
    await first.member.poll();
    expect(first.events.at(-1)).toBe('assigned 0,1,2,3');
    await first.member.leave();
  });

  test('the leader sees what each member says of itself', async () => {
    const client = await newClient();
    const groupId = uniqueName('group');
    const { asked, member } = await joinAlone({
      client,
      groupId,
      topics: ['b', 'a'],
      userData: () => 'I have 0_1',
    });
    const [[subscription] = []] = asked;
    expect(subscription).toMatchObject({ topics: ['b', 'a'], groupInstanceId: null });
    expect(Buffer.from(subscription?.userData ?? []).toString()).toBe('I have 0_1');
    await member.leave();
  });

  test('a static member keeps its place over a restart, and its predecessor is fenced for good', async () => {
    const groupId = uniqueName('group');
    const shared = { groupId, topics: ['in'], partitions: 2, groupInstanceId: 'one' };
    const old = await joinAlone({ client: await newClient(), ...shared });
    const next = await joinAlone({ client: await newClient(), ...shared });

    expect(next.membership.generationId).toBe(old.membership.generationId);
    expect(next.membership.memberId).not.toBe(old.membership.memberId);
    expect(next.events).toEqual(['assigned 0,1']);
    // The coordinator had the assignment: nobody was asked.
    expect(next.asked).toEqual([]);

    await until('the old one finds out', () => old.member.rejoinNeeded);
    await expect(old.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
    expect(old.events.at(-1)).toBe('lost STREAMS_TASK_MIGRATED');
    await expect(old.member.poll()).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
    await old.member.close();
    await next.member.leave();
  });

  test('closing a static member says nothing, leaving does', async () => {
    const client = await newClient();
    const admin = new Admin(client);
    const groupId = uniqueName('group');
    const shared = { client, groupId, topics: ['in'], groupInstanceId: 'one' };
    const first = await joinAlone(shared);
    await first.member.close();
    expect((await admin.describeGroup(groupId)).members).toHaveLength(1);
    const second = await joinAlone(shared);
    await second.member.leave();
    expect((await admin.describeGroup(groupId)).members).toHaveLength(0);
  });

  test('a requested rejoin with other user data is seen by the leader', async () => {
    const client = await newClient();
    let data = 'before';
    const groupId = uniqueName('group');
    const joined = await joinAlone({ client, groupId, topics: ['in'], userData: () => data });
    data = 'after';
    joined.member.requestRejoin('something changed');
    await joined.member.poll();
    expect(joined.events).toEqual(['assigned 0', 'revoked', 'assigned 0']);
    const said = joined.asked.map(([one]) => Buffer.from(one?.userData ?? []).toString());
    expect(said).toEqual(['before', 'after']);
    await joined.member.leave();
  });

  test('a member whose owner does not poll leaves, is told that it lost, and joins again', async () => {
    const client = await newClient();
    const groupId = uniqueName('group');
    const joined = await joinAlone({
      client,
      groupId,
      topics: ['in'],
      rebalanceTimeoutMs: 300,
    });
    await until('it gives up', () => joined.member.rejoinNeeded);
    const admin = new Admin(client);
    await until('the group is empty', async () => {
      return (await admin.describeGroup(groupId)).members.length === 0;
    });
    await joined.member.poll();
    expect(joined.events).toEqual(['assigned 0', 'lost STREAMS_TASK_MIGRATED', 'assigned 0']);
    await joined.member.leave();
  });

  test('offsets of a generation that has passed are refused', async () => {
    const client = await newClient();
    const topic = await createTopic();
    const groupId = uniqueName('group');
    const joined = await joinAlone({ client, groupId, topics: [topic] });
    const before = joined.membership;
    joined.member.requestRejoin('next generation');
    await joined.member.poll();
    const offsets = [{ topic, partition: 0, offset: 1, metadata: '' }];
    await expect(commitOffsets(client, before, offsets)).rejects.toMatchObject({
      code: 'STREAMS_TASK_MIGRATED',
    });
    await commitOffsets(client, joined.member.membership ?? before, offsets);
    const found = await fetchCommitted(client, groupId, [{ topic, partition: 0 }], {
      requireStable: true,
      deadlineMs: 5_000,
    });
    expect(found.get(`${topic}-0`)).toMatchObject({ offset: 1, metadata: '' });
    await joined.member.leave();
  });

  test('a group of another kind of client is refused', async () => {
    const client = await newClient();
    const groupId = uniqueName('group');
    // Joins as Kafka's own consumer would, with a protocol of another name.
    const request = {
      groupId,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      memberId: '',
      groupInstanceId: 'foreign',
      protocolType: 'connect',
      protocols: [{ name: 'sessioned', metadata: Buffer.from('x') }],
    };
    const target = { coordinator: 'group', key: groupId } as const;
    await until('the foreign member is in', async () => {
      const { response } = await client.send(target, 'group', joinGroup, request);
      if (response.errorCode !== 0) client.forgetCoordinator('group', groupId);
      return response.errorCode === 0;
    });
    const { member } = testMember({
      client: await newClient(),
      groupId,
      topics: ['in'],
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 1_000,
    });
    // It may be on its way out, so it is waited for, here no longer than the member may take to join.
    await expect(member.poll()).rejects.toMatchObject({ code: 'STREAMS_CLIENT' });
    await member.close();
  });
});
