import { systemClock, systemTimers } from '../../src/adapters/node/clock.ts';
import {
  GroupMember,
  type GroupMemberOptions,
  type GroupMemberSubscription,
  type MemberAssignment,
  type Membership,
} from '../../src/client/group-member.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';

export interface TestMemberOptions extends Partial<GroupMemberOptions> {
  readonly client: KafkaClient;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Each topic has as many partitions; they are dealt out in turn. */
  readonly partitions?: number;
  readonly userData?: () => string;
}

export interface TestMember {
  readonly member: GroupMember;
  /** What the listener was told, in order: `revoked`, `assigned 0,1`, `lost STREAMS_TASK_MIGRATED`. */
  readonly events: string[];
  /** What the leader was given, if it was this one. */
  readonly asked: GroupMemberSubscription[][];
}

/** A member that deals partitions out to the members in the order of their ids. */
export function testMember(options: TestMemberOptions): TestMember {
  const { topics, partitions = 1, userData = () => 'data', ...rest } = options;
  const events: string[] = [];
  const asked: GroupMemberSubscription[][] = [];
  const assign = (
    members: readonly GroupMemberSubscription[],
  ): Promise<ReadonlyMap<string, MemberAssignment>> => {
    asked.push([...members]);
    const ids = members.map(({ memberId }) => memberId).sort();
    const all = topics.flatMap((topic) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    );
    return Promise.resolve(
      new Map(
        ids.map((id, turn) => [
          id,
          {
            partitions: all.filter((_, index) => index % ids.length === turn),
            userData: Buffer.from('tasks'),
          },
        ]),
      ),
    );
  };
  const member = new GroupMember({
    protocolName: 'millrace-1',
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 100,
    rebalanceTimeoutMs: 10_000,
    assignor: {
      topics: () => topics,
      subscriptionUserData: () => Promise.resolve(Buffer.from(userData())),
      ownedPartitions: () => [],
      assign,
    },
    listener: {
      onRevoked: () => {
        events.push('revoked');
        return Promise.resolve();
      },
      onAssigned: (assignment) => {
        const numbers = assignment.partitions.map(({ partition }) => partition);
        events.push(`assigned ${numbers.join()}`);
        return Promise.resolve();
      },
      onLost: (error) => {
        events.push(`lost ${error.code}`);
        return Promise.resolve();
      },
    },
    clock: systemClock,
    timers: systemTimers,
    logger: SILENT_LOGGER,
    ...rest,
  });
  return { member, events, asked };
}

/** The only member of its group, joined. */
export async function joinAlone(
  options: TestMemberOptions,
): Promise<TestMember & { readonly membership: Membership }> {
  const joined = testMember(options);
  await joined.member.poll();
  const { membership } = joined.member;
  if (membership === null) throw new Error('the member has not joined');
  return { ...joined, membership };
}
