import { readInt32, writeInt32 } from '../common/bytes.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable } from './serde-error.ts';

/**
 * What the right side of a foreign-key join has to do for a row of the left one. Numbered as on the wire.
 *
 * Source: `SubscriptionWrapper.Instruction`.
 */
export const SUBSCRIPTION = {
  /** End it, silently. */
  delete: 0,
  /** End it, and answer with no row. */
  deleteAndAnswer: 1,
  /** Begin or renew it, and answer with the row or with none. */
  answer: 2,
  /** Begin or renew it, and answer if there is a row. */
  answerIfFound: 3,
} as const;

export type SubscriptionInstruction = (typeof SUBSCRIPTION)[keyof typeof SUBSCRIPTION];

/** A row of the left table asks for the row of the right one that it points to. */
export interface Subscription<PK> {
  /** Of the row's value, 16 bytes; null where the row was deleted. */
  readonly hash: Uint8Array | null;
  readonly instruction: SubscriptionInstruction;
  readonly primaryKey: PK;
  /** Where the row is, and the answer must go; null as Kafka Streams before 3.4 wrote it. */
  readonly primaryPartition: number | null;
}

/** The answer, which holds as long as the row still has the hash. */
export interface SubscriptionResponse<V> {
  readonly hash: Uint8Array | null;
  readonly foreignValue: V | null;
  /** Not on the wire: the answer is already in its partition. */
  readonly primaryPartition: number | null;
}

const NO_HASH = 0x80;
const VERSION = 1;
const HASH_BYTES = 16;

/**
 * Subscriptions as Kafka Streams writes them since 3.4; what it wrote before lacks the partition and is read:
 *
 *     u8 version, its top bit set where there is no hash ++ u8 instruction ++ [hash] ++ primary key ++ i32 partition
 *
 * The primary key's serde is told the topic with `-pk` behind it, as there. Source: `SubscriptionWrapperSerde`.
 */
export function subscriptionSerde<PK>(primaryKey: Serde<PK>): Serde<Subscription<PK>> {
  const keySite = (site: SerdeSite): SerdeSite => ({
    ...site,
    topic: `${site.topic}-pk`,
    isKey: true,
  });
  return {
    serialize(subscription, site) {
      const key = primaryKey.serialize(subscription.primaryKey, keySite(site));
      const { hash, instruction, primaryPartition } = subscription;
      const keyAt = 2 + (hash?.length ?? 0);
      const bytes = new Uint8Array(keyAt + key.length + 4);
      bytes[0] = hash === null ? VERSION | NO_HASH : VERSION;
      bytes[1] = instruction;
      if (hash !== null) bytes.set(hash, 2);
      bytes.set(key, keyAt);
      writeInt32(bytes, keyAt + key.length, primaryPartition ?? 0);
      return bytes;
    },
    deserialize(bytes, site) {
      const first = bytes[0] ?? VERSION + 1;
      const version = first & ~NO_HASH;
      const keyAt = (first & NO_HASH) === 0 ? 2 + HASH_BYTES : 2;
      const keyEnd = bytes.length - (version > 0 ? 4 : 0);
      const instruction = Object.values(SUBSCRIPTION).find((known) => known === bytes[1]);
      if (version > VERSION || keyEnd < keyAt || instruction === undefined) {
        throw undecodable(site, `these ${bytes.length} bytes are no subscription of a foreign key`);
      }
      return {
        hash: keyAt === 2 ? null : bytes.slice(2, keyAt),
        instruction,
        primaryKey: primaryKey.deserialize(bytes.subarray(keyAt, keyEnd), keySite(site)),
        primaryPartition: version > 0 ? readInt32(bytes, keyEnd) : null,
      };
    },
  };
}

/**
 *     u8 version 0, its top bit set where there is no hash ++ [hash] ++ [value]
 *
 * Source: `SubscriptionResponseWrapperSerde`.
 */
export function subscriptionResponseSerde<V>(value: Serde<V>): Serde<SubscriptionResponse<V>> {
  return {
    serialize({ hash, foreignValue }, site) {
      const valueBytes = foreignValue === null ? null : value.serialize(foreignValue, site);
      const valueAt = 1 + (hash?.length ?? 0);
      const bytes = new Uint8Array(valueAt + (valueBytes?.length ?? 0));
      bytes[0] = hash === null ? NO_HASH : 0;
      if (hash !== null) bytes.set(hash, 1);
      if (valueBytes !== null) bytes.set(valueBytes, valueAt);
      return bytes;
    },
    deserialize(bytes, site) {
      const first = bytes[0] ?? 1;
      const valueAt = (first & NO_HASH) === 0 ? 1 + HASH_BYTES : 1;
      if ((first & ~NO_HASH) !== 0 || bytes.length < valueAt) {
        throw undecodable(site, `these ${bytes.length} bytes are no answer to a subscription`);
      }
      const hasValue = bytes.length > valueAt;
      return {
        hash: valueAt === 1 ? null : bytes.slice(1, valueAt),
        foreignValue: hasValue ? value.deserialize(bytes.subarray(valueAt), site) : null,
        primaryPartition: null,
      };
    },
  };
}
