import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { serdes } from '../../../src/serde/serdes.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import type { StandardSchema } from '../../../src/serde/standard-schema.ts';
import { failure } from '../../support/failure.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';
import { typeOf } from '../../types/equal.ts';

interface Order {
  id: string;
  lines: { price: number }[];
}

const SITE = { topic: 'orders', isKey: false, headers: [] };

const zodOrder = z.object({ id: z.string(), lines: z.array(z.object({ price: z.number() })) });
const valibotOrder = v.object({
  id: v.string(),
  lines: v.array(v.object({ price: v.number() })),
});
const arktypeOrder = type({ id: 'string', lines: type({ price: 'number' }).array() });

const ofZod = serdes.json(zodOrder);
const ofValibot = serdes.json(valibotOrder);
const ofArktype = serdes.json(arktypeOrder);

const GOOD: Order = { id: 'a', lines: [{ price: 1 }] };
const BAD = '{"id":"a","lines":[{"price":1},{"price":"2"}]}';

test('the type of the values is that of the schema', () => {
  typeOf(ofZod).is<Serde<Order>>();
  typeOf(ofValibot).is<Serde<Order>>();
  typeOf(ofArktype).is<Serde<Order>>();
  const believed = serdes.json<Order>();
  typeOf(believed).is<Serde<Order>>();
  const reread = z.string().transform((text) => new Date(text));
  // @ts-expect-error a value that is read as a Date cannot be written as what it was read from
  expect(() => serdes.json(reread)).not.toThrow();
});

describe.each([
  ['zod', ofZod],
  ['valibot', ofValibot],
  ['arktype', ofArktype],
])('a json serde with a schema of %s', (_library, serde) => {
  test('writes and reads what fits', () => {
    const bytes = serde.serialize(GOOD, SITE);
    expect(serde.deserialize(bytes, SITE)).toEqual(GOOD);
    const buffer = Buffer.concat([Buffer.from('{'), bytes, Buffer.from('}')]);
    expect(serde.deserializeAt?.(buffer, 1, 1 + bytes.length, SITE)).toEqual(GOOD);
  });

  test('refuses what does not, with the path to it', () => {
    expect(failure(() => serde.deserialize(Buffer.from(BAD), SITE))).toMatch(
      /^STREAMS_DESERIALIZATION: value: the value does not fit its schema: \$\.lines\[1\]\.price: .*topic orders/,
    );
    const wrong: unknown = { id: 7, lines: [] };
    expect(failure(() => serde.serialize(wrong as Order, SITE))).toMatch(
      /^STREAMS_SERIALIZATION: value: the value does not fit its schema: \$\.id: /,
    );
  });
});

test('defaults of the schema are filled in where a value is read', () => {
  const serde = serdes.json(z.object({ id: z.string(), tags: z.array(z.string()).default([]) }));
  expect(serde.deserialize(Buffer.from('{"id":"a"}'), SITE)).toEqual({ id: 'a', tags: [] });
});

test('options of json serdes hold for those with a schema', () => {
  const serde = serdes.json(z.object({ b: z.number(), a: z.number() }), { canonical: true });
  expect(Buffer.from(serde.serialize({ b: 1, a: 2 }, SITE)).toString()).toBe('{"a":2,"b":1}');
});

test('a schema that validates asynchronously is an error, not a promise on a stream', () => {
  const slow = z.string().refine(async (text) => Promise.resolve(text !== ''));
  const asynchronous: StandardSchema<string> = {
    '~standard': {
      version: 1,
      vendor: 'slow',
      validate: async (value) => ({ value: await Promise.resolve(String(value)) }),
    },
  };
  for (const schema of [slow, asynchronous]) {
    expect(failure(() => serdes.json(schema).deserialize(Buffer.from('"x"'), SITE))).toMatch(
      /^STREAMS_DESERIALIZATION: value: this (zod|slow) schema validates asynchronously/,
    );
  }
});

test('a record that does not fit goes to the deserialization handler', async () => {
  const { out } = await runTopology(
    (b) => {
      b.stream('in', { key: serdes.string, value: ofZod })
        .mapValues((order) => order.lines.length.toString())
        .to('out', STRINGS);
    },
    [`in a=${BAD}@1`, 'in b={"id":"b","lines":[]}@2'],
    { config: { deserializationExceptionHandler: () => 'continue' } },
  );
  expect(out).toEqual(['b=0@2']);
});
