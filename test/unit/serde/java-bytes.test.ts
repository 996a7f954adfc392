import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Change } from '../../../src/common/change.ts';
import { Windowed } from '../../../src/common/windowed.ts';
import { changeSerde } from '../../../src/serde/change-serde.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import { serdes } from '../../../src/serde/serdes.ts';

// Java's side: test/fixtures/serdes/SerdeBytes.java.
const fixture = join(__dirname, '../../fixtures/serdes/bytes.txt');
const lines = readFileSync(fixture, 'utf8').trim().split('\n');
const javaBytes = new Map(
  lines.map((line) => {
    const space = line.indexOf(' ');
    return [line.slice(0, space), line.slice(space + 1)];
  }),
);

const SITE = { topic: 'topic', isKey: false, headers: [] };

interface Golden {
  readonly hex: string;
  /** What comes back: the value, unless its bytes say something else. */
  readonly roundTrip: unknown;
  /** The same from within a larger buffer. */
  readonly fromBuffer: unknown;
  readonly value: unknown;
}

function golden<T>(serde: Serde<T>, value: T): Golden {
  const bytes = serde.serialize(value, SITE);
  const buffer = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]);
  const end = 6 + bytes.length;
  return {
    hex: Buffer.from(bytes).toString('hex'),
    roundTrip: serde.deserialize(Buffer.from(bytes), SITE),
    fromBuffer:
      serde.deserializeAt?.(buffer, 6, end, SITE) ??
      serde.deserialize(buffer.subarray(6, end), SITE),
    value,
  };
}

const { string, short, int, long, bigint, float, double } = serdes;
const windowed = serdes.timeWindowed(string, { size: '1m' });
const change = changeSerde(string);
const values: Record<string, Golden> = {
  'string-empty': golden(string, ''),
  'string-ascii': golden(string, 'user-1'),
  'string-long': golden(string, 'a string of more than thirty-two characters'),
  'string-german': golden(string, 'Grüße'),
  'string-emoji': golden(string, 'a\u{1F600}b'),
  int0: golden(int, 0),
  int1: golden(int, 1),
  'int-1': golden(int, -1),
  int256: golden(int, 256),
  int2147483647: golden(int, 2147483647),
  'int-2147483648': golden(int, -2147483648),
  long0: golden(long, 0),
  long1: golden(long, 1),
  'long-1': golden(long, -1),
  long4294967296: golden(long, 4294967296),
  'long-4294967296': golden(long, -4294967296),
  'long-4294967297': golden(long, -4294967297),
  long9007199254740991: golden(long, 9007199254740991),
  'long-9007199254740991': golden(long, -9007199254740991),
  bigint9223372036854775807: golden(bigint, 9223372036854775807n),
  'bigint-9223372036854775808': golden(bigint, -9223372036854775808n),
  'bigint-1': golden(bigint, -1n),
  'double0.0': golden(double, 0),
  'double-0.0': golden(double, -0),
  'double1.5': golden(double, 1.5),
  'double-1.0E300': golden(double, -1e300),
  doubleNaN: golden(double, Number.NaN),
  'double-Infinity': golden(double, -Infinity),
  'boolean-true': golden(serdes.boolean, true),
  'boolean-false': golden(serdes.boolean, false),
  bytes: golden(serdes.bytes, new Uint8Array([0x78, 0x79, 0x7a])),
  uuid: golden(serdes.uuid, '123e4567-e89b-12d3-a456-426614174000'),
  short0: golden(short, 0),
  short1: golden(short, 1),
  'short-1': golden(short, -1),
  short256: golden(short, 256),
  short32767: golden(short, 32767),
  'short-32768': golden(short, -32768),
  'float0.0': golden(float, 0),
  'float-0.0': golden(float, -0),
  'float1.5': golden(float, 1.5),
  'float0.1': golden(float, Math.fround(0.1)),
  'float-1.0E30': golden(float, Math.fround(-1e30)),
  floatNaN: golden(float, Number.NaN),
  floatInfinity: golden(float, Infinity),
  'byte-buffer': golden(serdes.bytes, new Uint8Array([0x78, 0x79, 0x7a])),
  'list-strings': golden(serdes.list<string | null>(string), ['a', '', null, 'Grüße']),
  'list-empty': golden(serdes.list(string), []),
  'list-booleans': golden(serdes.list<boolean | null>(serdes.boolean), [true, null]),
  'list-longs': golden(serdes.list<number | null>(long), [1, null, -1, null]),
  'list-longs-empty': golden(serdes.list(long), []),
  'list-ints': golden(serdes.list(int), [1, 2]),
  'list-shorts': golden(serdes.list<number | null>(short), [1, null]),
  'list-floats': golden(serdes.list(float), [1.5]),
  'list-doubles': golden(serdes.list<number | null>(double), [null, 1.5]),
  'list-uuids': golden(serdes.list<string | null>(serdes.uuid), [
    '123e4567-e89b-12d3-a456-426614174000',
    null,
  ]),
  windowed: golden(windowed, new Windowed('user-1', 60_000, 120_000)),
  'windowed-late': golden(windowed, new Windowed('ü', 1_700_000_000_000, 1_700_000_060_000)),
  'change-new': golden(change, new Change('new', null)),
  'change-old': golden(change, new Change<string>(null, 'older')),
  'change-both': golden(change, new Change('new', 'older')),
  'change-long': golden(change, new Change('n'.repeat(100), 'o')),
};
// Half a surrogate pair is lost in Java too.
const lossy: Record<string, string> = {
  'string-lone-high': 'a\uD83Db',
  'string-lone-low': '\uDE00',
  'string-swapped': '\uDE00\uD83D',
};

describe("serdes write Java's bytes and read them back", () => {
  test.each(Object.entries(values))('%s', (name, { hex, roundTrip, fromBuffer, value }) => {
    expect(hex).toBe(javaBytes.get(name));
    expect(roundTrip).toEqual(value);
    expect(fromBuffer).toEqual(value);
  });

  test.each(Object.entries(lossy))('%s', (name, text) => {
    expect(Buffer.from(string.serialize(text, SITE)).toString('hex')).toBe(javaBytes.get(name));
  });

  test('for every value of the fixture', () => {
    const named = [...Object.keys(values), ...Object.keys(lossy)].sort();
    expect(named).toEqual([...javaBytes.keys()].sort());
  });
});
