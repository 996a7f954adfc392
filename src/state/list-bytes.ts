import { readInt32, writeInt32 } from '../common/bytes.ts';
import { StreamsError } from '../common/errors.ts';

// A list of values as Kafka Streams' `ListValueStore` writes it: u8 1, i32 count, then for each i32 length, value.
// Source: `org.apache.kafka.common.serialization.ListSerializer` over byte arrays.

const VARIABLE_SIZE = 1;
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;

/** A list with a value at its end; a list of it alone where there was none. */
export function appendToList(list: Uint8Array | null, value: Uint8Array): Uint8Array {
  const before = list ?? Uint8Array.of(VARIABLE_SIZE, 0, 0, 0, 0);
  const longer = new Uint8Array(before.length + LENGTH_BYTES + value.length);
  longer.set(before);
  writeInt32(longer, 1, readInt32(before, 1) + 1);
  writeInt32(longer, before.length, value.length);
  longer.set(value, before.length + LENGTH_BYTES);
  return longer;
}

/** Errors: `STREAMS_STATE_CORRUPT` for bytes that are no list. */
export function listOf(list: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = [];
  let at = HEADER_BYTES;
  while (at + LENGTH_BYTES <= list.length) {
    const end = at + LENGTH_BYTES + readInt32(list, at);
    if (end < at + LENGTH_BYTES) break;
    values.push(list.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  if (list[0] === VARIABLE_SIZE && at === list.length && values.length === readInt32(list, 1)) {
    return values;
  }
  throw new StreamsError('STREAMS_STATE_CORRUPT', 'a list of pending join records is not readable');
}
