import fc from 'fast-check';
import { Change } from '../../../src/common/change.ts';
import { Windowed } from '../../../src/common/windowed.ts';
import { changeSerde } from '../../../src/serde/change-serde.ts';
import { canonicalJson } from '../../../src/serde/canonical-json.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { failure } from '../../support/failure.ts';

const SITE = { topic: 'orders', isKey: false, headers: [] };

const refused = <T>(serde: Serde<T>, value: T) => failure(() => serde.serialize(value, SITE));
const undecodable = <T>(serde: Serde<T>, ...bytes: number[]) =>
  failure(() => serde.deserialize(new Uint8Array(bytes), SITE));

describe('number serdes', () => {
  test('int and long refuse what their bytes cannot hold', () => {
    for (const value of [1.5, 2 ** 31, -(2 ** 31) - 1, Number.NaN]) {
      expect(refused(serdes.int, value)).toMatch(/^STREAMS_SERIALIZATION: value: .* is no int/);
    }
    for (const value of [0.1, 2 ** 53, Infinity]) {
      expect(refused(serdes.long, value)).toMatch(/^STREAMS_SERIALIZATION.*serdes\.bigint/);
    }
    expect(refused(serdes.bigint, 2n ** 63n)).toMatch(/^STREAMS_SERIALIZATION/);
  });

  test('long refuses bytes that a number would round, and says which serde takes them', () => {
    const tooLarge = serdes.bigint.serialize(2n ** 53n, SITE);
    expect(failure(() => serdes.long.deserialize(tooLarge, SITE))).toMatch(
      /^STREAMS_DESERIALIZATION.*serdes\.bigint.*orders/,
    );
  });

  test('bytes of another length are refused', () => {
    expect(undecodable(serdes.int, 1, 2, 3)).toMatch(/3 bytes are no int, which has 4/);
    expect(undecodable(serdes.double)).toMatch(/0 bytes are no double/);
    expect(undecodable(serdes.boolean, 2)).toMatch(/no boolean/);
    expect(undecodable(serdes.uuid, 0x31)).toMatch(/no.* UUID|UUID/);
  });

  test('two values have one identity exactly if their bytes are equal', () => {
    const same = <T>(serde: Serde<T>, a: T, b: T) =>
      Buffer.compare(serde.serialize(a, SITE), serde.serialize(b, SITE)) === 0;
    const check = <T>(serde: Serde<T>, arbitrary: fc.Arbitrary<T>) => {
      fc.assert(
        fc.property(arbitrary, arbitrary, (a, b) => {
          const [ia, ib] = [serde.identity?.(a), serde.identity?.(b)];
          if (ia === undefined || ib === undefined) return;
          expect(new Set([ia]).has(ib)).toBe(same(serde, a, b));
        }),
      );
    };
    const text = fc.string({ unit: fc.constantFrom('a', 'ü', '\uD83D', '\uDE00'), maxLength: 3 });
    check(serdes.string, text);
    check(serdes.double, fc.double());
    check(serdes.double, fc.constantFrom(0, -0, Number.NaN));
    check(serdes.long, fc.constantFrom(0, -0, 1));
    check(serdes.int, fc.constantFrom(0, -0, 1));
    check(serdes.bigint, fc.bigInt({ min: -3n, max: 3n }));
  });
});

describe('string', () => {
  test('any well-formed text comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = serdes.string.serialize(text, SITE);
        expect(serdes.string.deserialize(bytes, SITE)).toBe(text);
      }),
    );
  });
});

describe('bytes', () => {
  test('neither side sees what the other does to its array', () => {
    const given = Buffer.from('abc');
    const written = serdes.bytes.serialize(given, SITE);
    const read = serdes.bytes.deserialize(given, SITE);
    given.fill(0);
    expect(Buffer.from(written).toString()).toBe('abc');
    expect(Buffer.from(read).toString()).toBe('abc');
  });
});

describe('json', () => {
  const json = serdes.json<unknown>();

  test.each([
    ['NaN', { total: Number.NaN }, '$.total is NaN'],
    ['Infinity', [1, -Infinity], '$[1] is -Infinity'],
    ['a bigint', { a: [{ b: 1n }] }, '$.a[0].b is a bigint'],
    ['a Date', { when: new Date(0) }, '$.when is a Date'],
    ['a Map', { counts: new Map() }, '$.counts is a Map'],
    ['a function', { f: () => 1 }, '$.f is a function'],
    ['undefined', undefined, '$ is undefined'],
    ['undefined in an array', [undefined], '$[0] is undefined'],
  ])('refuses %s and says where it is', (_name, value, where) => {
    const message = refused(json, value);
    expect(message).toMatch(/^STREAMS_SERIALIZATION: value: /);
    expect(message).toContain(where);
  });

  test('refuses a cycle', () => {
    const order: Record<string, unknown> = { id: 1 };
    order['self'] = order;
    expect(refused(json, order)).toContain('$.self refers back');
    expect(refused(serdes.json<unknown>({ canonical: true }), order)).toContain(
      '$.self refers back',
    );
  });

  test('leaves an undefined field out', () => {
    const bytes = json.serialize({ a: 1, b: undefined }, SITE);
    expect(Buffer.from(bytes).toString()).toBe('{"a":1}');
  });

  test('what is no JSON is an error that shows it', () => {
    expect(failure(() => json.deserialize(Buffer.from('{oops'), SITE))).toMatch(
      /^STREAMS_DESERIALIZATION: value: this is no JSON: \{oops/,
    );
  });

  test('canonical: equal values have equal bytes, whatever the order of their fields', () => {
    const canonical = serdes.json<unknown>({ canonical: true });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value) ?? '')).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
        expect(canonical.deserialize(canonical.serialize(value, SITE), SITE)).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });
});

/** The same value with the fields of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, field]) => [name, reversed(field)]),
  );
}

describe('change', () => {
  const change = changeSerde(serdes.string);

  test('any two lengths come back', () => {
    const length = fc.oneof(fc.nat(3), fc.nat(300), fc.nat(40_000));
    fc.assert(
      fc.property(length, length, (newLength, oldLength) => {
        const value = new Change('n'.repeat(newLength), 'o'.repeat(oldLength));
        expect(change.deserialize(change.serialize(value, SITE), SITE)).toEqual(value);
      }),
    );
  });

  test('reads what versioned tables write, too', () => {
    const isLatest = 1;
    const bytes = Buffer.from([...Buffer.from('new'), isLatest, 4]);
    expect(change.deserialize(bytes, SITE)).toEqual({ newValue: 'new', oldValue: null });
  });

  test.each([
    ['nothing', []],
    ['an unknown flag', [65, 9]],
    ['a length past the end', [0x7e, 65, 2]],
    ['a length that does not end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]],
    ['a flag without its byte', [5]],
  ])('refuses %s', (_name, bytes) => {
    expect(undecodable(change, ...bytes)).toMatch(/^STREAMS_DESERIALIZATION.*no change/);
  });
});

describe('timeWindowed', () => {
  test('needs a size and refuses bytes that hold no window start', () => {
    const size0 = () => serdes.timeWindowed(serdes.string, { size: 0 });
    expect(failure(size0)).toMatch(/^STREAMS_CONFIG.*size/);
    expect(undecodable(serdes.timeWindowed(serdes.string, { size: 1 }), 1, 2, 3)).toMatch(
      /^STREAMS_DESERIALIZATION.*no windowed key/,
    );
  });
});

test.each<readonly [what: string, serde: Serde<Windowed<Uint8Array>>]>([
  ['timeWindowed', serdes.timeWindowed(asGiven(), { size: 5 })],
  ['sessionWindowed', serdes.sessionWindowed(asGiven())],
])('%s has a key of its own, though the serde within returns what it is given', (_, serde) => {
  const bytes = serde.serialize(new Windowed(Uint8Array.of(1, 2, 3), 10, 15), SITE);
  const read = serde.deserializeAt?.(bytes, 0, bytes.length, SITE);
  bytes.fill(0);
  expect(read?.key).toEqual(Uint8Array.of(1, 2, 3));
});

/** As users write it who have not read what `Serde` says of the bytes. */
function asGiven(): Serde<Uint8Array> {
  return { serialize: (value) => value, deserialize: (bytes) => bytes };
}

describe('serdes for what Java has', () => {
  test.each<readonly [what: string, act: () => unknown, message: RegExp]>([
    ['a short above its range', () => serdes.short.serialize(32_768, SITE), /no short/],
    ['half a short', () => serdes.short.serialize(0.5, SITE), /no short/],
    ['a float above its range', () => serdes.float.serialize(1e39, SITE), /no float/],
    ['a float of 8 bytes', () => serdes.float.deserialize(new Uint8Array(8), SITE), /no float/],
    ['a void that is something', () => serdes.void.serialize('x' as never, SITE), /not null/],
    ['bytes for a void', () => serdes.void.deserialize(new Uint8Array(1), SITE), /null alone/],
    ['a list cut off', () => cutOff(serdes.list(serdes.string), ['ab'], 1), /no whole list/],
    ['a list of longs cut off', () => cutOff(serdes.list(serdes.long), [1], 1), /no whole list/],
    ['a list that goes on', () => cutOff(serdes.list(serdes.long), [1], -1), /no whole list/],
    ['no bytes for a list', () => cutOff(serdes.list(serdes.string), [], 5), /no list/],
    [
      'a list of numbers read as one of strings',
      () =>
        serdes.list(serdes.string).deserialize(serdes.list(serdes.int).serialize([1], SITE), SITE),
      /entries of one length/,
    ],
  ])('%s is refused', (_what, act, message) => {
    expect(failure(act)).toMatch(message);
  });

  test('a float is rounded, and 0 and -0 are not one key', () => {
    expect(serdes.float.deserialize(serdes.float.serialize(0.1, SITE), SITE)).toBe(
      Math.fround(0.1),
    );
    expect(serdes.float.identity?.(0.1)).toBe(Math.fround(0.1));
    expect(serdes.float.identity?.(-0)).toBeUndefined();
  });

  test('lists of whatever come back', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: 'binary' }))), (list) => {
        const serde = serdes.list<string | null>(serdes.string);
        expect(serde.deserialize(serde.serialize(list, SITE), SITE)).toEqual(list);
      }),
    );
  });
});

/** Reads a list whose last `missing` bytes are gone; of fewer than 0, as many zeros come behind it. */
function cutOff<T>(serde: Serde<T[]>, list: T[], missing: number): unknown {
  const bytes = serde.serialize(list, SITE);
  return serde.deserialize(
    Buffer.concat([bytes, new Uint8Array(1)]).subarray(0, bytes.length - missing),
    SITE,
  );
}
