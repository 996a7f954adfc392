import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/wire/consumer-protocol.ts';
import { bytesOf, goldenMessages } from './golden.ts';

const OWNED = [{ topic: 'in', partitions: [0, 2] }];

describe('the consumer protocol', () => {
  test('carries topics, owned partitions and user data behind its version', () => {
    const userData = new Uint8Array([1, 2, 3]);
    const bytes = encodeSubscription({ topics: ['in'], userData, ownedPartitions: OWNED });
    expect([bytes[0], bytes[1]]).toEqual([0, 3]);
    expect(decodeSubscription(bytes)).toEqual({
      topics: ['in'],
      userData,
      ownedPartitions: OWNED,
      generationId: -1,
      rackId: null,
    });
    const assignment = { assignedPartitions: OWNED, userData: null };
    expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
  });

  test("reads every version of Java's, and of a newer one what it knows", () => {
    for (const { version, bytes } of goldenMessages('ConsumerProtocolSubscription')) {
      const framed = Buffer.concat([Buffer.from([0, version]), bytesOf(bytes)]);
      const read = decodeSubscription(framed);
      if (version < 3) continue;
      const newer = Buffer.concat([Buffer.from([0, 9]), bytesOf(bytes), Buffer.from('more')]);
      expect(decodeSubscription(newer)).toEqual(read);
    }
  });

  test.each([
    [[]],
    [[0]],
    [[255, 255]],
    [[0, 3, 127, 255, 255, 255]],
    [[...Buffer.from('opaque')]],
  ])('refuses %j', (bytes) => {
    expect(() => decodeSubscription(new Uint8Array(bytes))).toThrow(
      expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error,
    );
  });
});
