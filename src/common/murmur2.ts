const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/**
 * The hash of Kafka's default partitioner, over `bytes[start, end)`. Returns a signed 32-bit integer.
 *
 * Source: `org.apache.kafka.common.utils.Utils.murmur2`; pinned by vectors that Java computed.
 */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  let hash = SEED ^ length;
  let i = start;
  const lastWord = start + (length & ~3);
  for (; i < lastWord; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const left = end - i;
  if (left > 2) hash ^= (bytes[i + 2] as number) << 16;
  if (left > 1) hash ^= (bytes[i + 1] as number) << 8;
  if (left > 0) hash = Math.imul(hash ^ (bytes[i] as number), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** The partition Kafka's Java producer chooses for a key; co-partitioning with Java rests on it. */
export function defaultPartition(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
