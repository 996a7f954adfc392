import { readFileSync } from 'node:fs';
import { murmur3Of128Bits } from '../../../src/common/murmur3.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import {
  subscriptionResponseSerde,
  subscriptionSerde,
  type Subscription,
  type SubscriptionResponse,
} from '../../../src/serde/subscription-serde.ts';

// Kafka Streams' side: test/fixtures/foreign-key/ForeignKeyBytes.java.
const fixture = new URL('../../fixtures/foreign-key/bytes.txt', `file://${__filename}`);
const lines = readFileSync(fixture, 'utf8').trim().split('\n');
const expected = new Map(
  lines.map((line) => [line.replace(/ [^ ]*$/, ''), line.split(' ').at(-1)]),
);

const SITE = { topic: 't', isKey: false, headers: [] };
const HASH = Uint8Array.from(Buffer.from('0102030405060708fffffffffffffffe', 'hex'));

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('murmur3 hashes as Java does, whatever the length', () => {
  let text = '';
  for (let length = 0; length <= 40; length++) {
    expect(hex(murmur3Of128Bits(Buffer.from(text)))).toBe(expected.get(`hash ${length}`));
    text += length % 5 === 0 ? 'é' : String.fromCharCode(33 + length * 2);
  }
});

test.each([0, 1, 2, 3] as const)(
  'subscriptions of instruction %d have the bytes of Java',
  (instruction) => {
    const serde = subscriptionSerde(serdes.string);
    const given: [string, Subscription<string>][] = [
      ['hash', { hash: HASH, instruction, primaryKey: 'key', primaryPartition: 7 }],
      ['none', { hash: null, instruction, primaryKey: '', primaryPartition: 513 }],
    ];
    for (const [name, subscription] of given) {
      const bytes = serde.serialize(subscription, SITE);
      expect(hex(bytes)).toBe(expected.get(`subscription ${instruction} ${name}`));
      expect(serde.deserialize(bytes, SITE)).toEqual(subscription);
    }
  },
);

test('answers have the bytes of Java; the partition is not among them', () => {
  const serde = subscriptionResponseSerde(serdes.string);
  const given: [string, SubscriptionResponse<string>][] = [
    ['hash value', { hash: HASH, foreignValue: 'row', primaryPartition: null }],
    ['hash none', { hash: HASH, foreignValue: null, primaryPartition: null }],
    ['none none', { hash: null, foreignValue: null, primaryPartition: null }],
  ];
  for (const [name, response] of given) {
    const bytes = serde.serialize({ ...response, primaryPartition: 7 }, SITE);
    expect(hex(bytes)).toBe(expected.get(`response ${name}`));
    expect(serde.deserialize(bytes, SITE)).toEqual(response);
  }
});

test('a subscription of before 3.4 is read, without a partition', () => {
  const bytes = Uint8Array.of(0x80, 2, ...Buffer.from('key'));
  const subscription = { hash: null, instruction: 2, primaryKey: 'key', primaryPartition: null };
  expect(subscriptionSerde(serdes.string).deserialize(bytes, SITE)).toEqual(subscription);
});

test.each([[], [2, 2], [1, 2, 0, 0], [0x81, 4, 0, 0, 0, 0], [1]])(
  'bytes %j are no subscription',
  (...bytes) => {
    const serde = subscriptionSerde(serdes.string);
    expect(() => serde.deserialize(Uint8Array.from(bytes), SITE)).toThrow(/no subscription/);
  },
);

test.each([[], [1], [0, 1, 2]])('bytes %j are no answer', (...bytes) => {
  const serde = subscriptionResponseSerde(serdes.string);
  expect(() => serde.deserialize(Uint8Array.from(bytes), SITE)).toThrow(/no answer/);
});
