import {
  assignmentBytes,
  readAssignment,
  readSubscription,
  subscriptionBytes,
} from '../../../src/client/group-protocol.ts';
import {
  decodeAssignmentInfo,
  decodeSubscriptionInfo,
  encodeAssignmentInfo,
  encodeSubscriptionInfo,
} from '../../../src/runtime/assignment/subscription-info.ts';
import { bytesOf, goldenMessages } from '../../unit/wire/golden.ts';
import { cut, mutate } from '../mutate.ts';
import { givesValueOr, type FuzzTarget } from '../target.ts';

const PARTITIONS = [
  { topic: 'clicks', partition: 0 },
  { topic: 'clicks', partition: 1 },
  { topic: 'käufe', partition: 12 },
];

const subscription = encodeSubscriptionInfo({
  processId: '6d4c2f0e-0000-4000-8000-123456789abc',
  topology: 'f00d',
  ownedTasks: ['0_0', '1_12'],
  storedTasks: { '0_0': 12_345, '1_12': 2 ** 53 - 1 },
  shutdown: null,
});
const assignment = encodeAssignmentInfo({
  topology: 'f00d',
  tasks: ['0_0', '1_12'],
  error: { code: 'STREAMS_TOPIC_MISSING', message: 'topic clicks is missing' },
});

const SUBSCRIPTIONS = [
  subscriptionBytes({
    topics: ['clicks', 'käufe'],
    ownedPartitions: PARTITIONS,
    userData: subscription,
    generationId: 4,
  }),
  ...goldenMessages('ConsumerProtocolSubscription').map(({ version, bytes }) =>
    versioned(version, bytesOf(bytes)),
  ),
];
const ASSIGNMENTS = [
  assignmentBytes({ partitions: PARTITIONS, userData: assignment }),
  ...goldenMessages('ConsumerProtocolAssignment').map(({ version, bytes }) =>
    versioned(version, bytesOf(bytes)),
  ),
];

/** What members of a group say to each other, its user data included: whoever joins under our group id may send any. */
export function groupTarget(): FuzzTarget {
  return {
    name: 'group',
    create(chance) {
      const kinds = [
        ['a subscription', chance.pick(SUBSCRIPTIONS), readWholeSubscription],
        ['an assignment', chance.pick(ASSIGNMENTS), readWholeAssignment],
        ['user data of a subscription', subscription, readSubscriptionInfo],
        ['user data of an assignment', assignment, decodeAssignmentInfo],
      ] as const;
      const [what, whole, read] = chance.pick(kinds);
      const bytes = chance.oneIn(4) ? cut(whole, chance) : mutate(whole, chance);
      return { what, bytes, run: () => givesValueOr(['STREAMS_CONFIG'], () => read(bytes)) };
    },
  };
}

function readSubscriptionInfo(bytes: Uint8Array): unknown {
  return decodeSubscriptionInfo(bytes, 'member-1');
}

function readWholeSubscription(metadata: Uint8Array): unknown {
  const member = { memberId: 'member-1', groupInstanceId: null, metadata };
  return readSubscriptionInfo(readSubscription('app', member).userData);
}

function readWholeAssignment(bytes: Uint8Array): unknown {
  const { userData } = readAssignment('app', bytes);
  return userData.length === 0 ? null : decodeAssignmentInfo(userData);
}

/** Inside JoinGroup and SyncGroup the message stands behind its version. */
function versioned(version: number, message: Uint8Array): Uint8Array {
  return Uint8Array.of(version >> 8, version & 255, ...message);
}
