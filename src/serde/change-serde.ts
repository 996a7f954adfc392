import { Change } from '../common/change.ts';
import { invariant } from '../common/errors.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable } from './serde-error.ts';

const ONLY_OLD = 0;
const ONLY_NEW = 1;
const BOTH = 2;
/** Added to the flags above where a byte before the flag says whether the update was the latest of its row. */
const WITH_IS_LATEST = 3;

/**
 * A table's update on its way through a repartition topic, as Kafka Streams writes it since 3.5:
 *
 *     old ++ 0    |    new ++ 1    |    varint(length of new) ++ new ++ old ++ 2
 *
 * The flags 3, 4 and 5 are the same three with a byte `isLatest` before the flag; they are read and never written.
 * Source: KIP-904; `ChangedSerializer`, `ChangedDeserializer`.
 */
export function changeSerde<V>(inner: Serde<V>): Serde<Change<V>> {
  return {
    serialize({ newValue, oldValue }, site) {
      const newBytes = newValue === null ? null : inner.serialize(newValue, site);
      const oldBytes = oldValue === null ? null : inner.serialize(oldValue, site);
      if (newBytes !== null && oldBytes !== null) return both(newBytes, oldBytes);
      const bytes = newBytes ?? oldBytes;
      invariant(bytes !== null, 'a change without a new and an old value was forwarded', {
        topic: site.topic,
      });
      const flagged = new Uint8Array(bytes.length + 1);
      flagged.set(bytes);
      flagged[bytes.length] = newBytes === null ? ONLY_OLD : ONLY_NEW;
      return flagged;
    },
    deserialize: (bytes, site) => readChange(inner, bytes, site),
  };
}

function both(newBytes: Uint8Array, oldBytes: Uint8Array): Uint8Array {
  const length = zigzagVarint(newBytes.length);
  const bytes = new Uint8Array(length.length + newBytes.length + oldBytes.length + 1);
  bytes.set(length);
  bytes.set(newBytes, length.length);
  bytes.set(oldBytes, length.length + newBytes.length);
  bytes[bytes.length - 1] = BOTH;
  return bytes;
}

function readChange<V>(inner: Serde<V>, bytes: Uint8Array, site: SerdeSite): Change<V> {
  const flag = bytes[bytes.length - 1] ?? -1;
  const kind = flag >= WITH_IS_LATEST ? flag - WITH_IS_LATEST : flag;
  const end = bytes.length - (flag >= WITH_IS_LATEST ? 2 : 1);
  const read = (from: number, to: number): V => inner.deserialize(bytes.subarray(from, to), site);
  if (end >= 0 && kind === ONLY_OLD) return new Change<V>(null, read(0, end));
  if (end >= 0 && kind === ONLY_NEW) return new Change<V>(read(0, end), null);
  if (end >= 0 && kind === BOTH) {
    const { value: newLength, at } = readZigzagVarint(bytes, end);
    const newEnd = at + newLength;
    if (newLength >= 0 && newEnd <= end) return new Change(read(at, newEnd), read(newEnd, end));
  }
  throw undecodable(site, `these ${bytes.length} bytes are no change of a table (flag ${flag})`);
}

function zigzagVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2; // zigzag of a length, which is never negative
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** A value of -1 where the varint does not end before `end` or is too long. */
function readZigzagVarint(bytes: Uint8Array, end: number): { value: number; at: number } {
  let value = 0;
  let scale = 1;
  for (let at = 0; at < Math.min(end, 5); at++) {
    const byte = bytes[at] as number; // below `end`
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value: value % 2 === 0 ? value / 2 : -1, at: at + 1 };
    scale *= 128;
  }
  return { value: -1, at: end };
}
