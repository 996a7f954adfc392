import { StreamRecord } from '../../../src/common/record.ts';
import type {
  FixedKeyProcessor,
  FixedKeyProcessorSupplier,
} from '../../../src/processor/fixed-key-processor.ts';
import type { FixedKeyProcessorContext } from '../../../src/processor/processor-context.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import type { FixedKeyRecord } from '../../../src/processor/fixed-key-record.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import type { KeyValueStore } from '../../../src/state/key-value-store.ts';
import { Stores } from '../../../src/state/stores.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

type Context = FixedKeyProcessorContext<string, string>;
type Process = (record: FixedKeyRecord<string, string>, context: Context) => void | Promise<void>;

const supplier = (process: Process): FixedKeyProcessorSupplier<string, string, string> => ({
  create: (context) => ({ process: (record) => process(record, context) }),
});

/** in → processValues → out. */
const through = (process: Process, ...records: string[]) =>
  runTopology((b) => {
    b.stream('in', STRINGS).processValues(supplier(process)).to('out', STRINGS);
  }, records);

/** A supplier of a class, with a store that comes with it. */
class CountingSupplier implements FixedKeyProcessorSupplier<string, string, number> {
  readonly stores = [Stores.keyValue({ name: 'seen', key: serdes.string, value: serdes.long })];
  readonly #first = 1;

  readonly create = (
    context: FixedKeyProcessorContext<string, number>,
  ): FixedKeyProcessor<string, string> => {
    const seen: KeyValueStore<string, number> = context.keyValueStore('seen');
    return {
      process: (record) => {
        const count = (seen.get(record.key) ?? this.#first - 1) + 1;
        seen.put(record.key, count);
        context.forward(record.withValue(count));
      },
    };
  };
}

describe('processValues', () => {
  test('gives any number of values under the key of the record', async () => {
    const { out } = await through(
      (record, context) => {
        for (const value of record.value.split('')) context.forward(record.withValue(value));
      },
      'in a=xy@1',
      'in b=z@2',
    );
    expect(out).toEqual(['a=x@1', 'a=y@1', 'b=z@2']);
  });

  test('may be async, and may change time and headers', async () => {
    const { out } = await through(async (record, context) => {
      await Promise.resolve();
      context.forward(record.withTimestamp(9).withHeaders([['h', null]]));
    }, 'in a=x@1');
    expect(out).toEqual(['a=x@9']);
  });

  test('takes a record with another key for an error, however it was made', async () => {
    const forge: Process = (record, context) => {
      const forged: unknown = new StreamRecord('b', record.value, record.timestampMs);
      context.forward(forged as FixedKeyRecord<string, string>);
    };
    await expect(through(forge, 'in a=x@1')).rejects.toThrow(
      /forwards the record that it was given/,
    );
    const write: Process = (record) => {
      (record as unknown as { key: string }).key = 'b';
    };
    await expect(through(write, 'in a=x@1')).rejects.toThrow(/only a getter/);
  });

  test('brings its stores, and needs no repartition before an aggregation', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', STRINGS)
      .processValues(new CountingSupplier())
      .groupByKey({ value: serdes.long })
      .reduce((sum, value) => sum + value)
      .toStream()
      .to('out');
    const topology = builder.build();
    expect(topology.describe()).not.toContain('repartition');
    await using driver = await TopologyTestDriver.create(topology);
    const input = driver.createInputTopic('in', STRINGS);
    for (const value of ['x', 'y', 'z']) await input.pipe({ key: 'k', value });
    const output = driver.createOutputTopic('out', { key: serdes.string, value: serdes.long });
    expect(output.readKeyValues().map(([, sum]) => sum)).toEqual([1, 3, 6]);
    expect(driver.keyValueStore<string, number>('seen').get('k')).toBe(3);
  });

  test('shows where its record was read, and nothing of it in a punctuator', async () => {
    const seen: unknown[] = [];
    const { out } = await runTopology(
      (b) => {
        b.stream('in', STRINGS)
          .processValues<string>({
            create: (context) => {
              let last: FixedKeyRecord<string, string> | null = null;
              context.schedule(10, 'stream-time', (nowMs) => {
                seen.push(context.recordMetadata, context.headers);
                if (last !== null) context.forward(last.withTimestamp(nowMs));
              });
              return {
                process: (record) => {
                  seen.push(context.recordMetadata?.offset);
                  last = record;
                },
              };
            },
          })
          .to('out', STRINGS);
      },
      ['in a=x@5', 'in b=y@12'],
    );
    expect(seen).toEqual([0, null, [], 1, null, []]);
    expect(out).toEqual(['a=x@5', 'b=y@12']);
  });
});

describe('a supplier of processors', () => {
  const build = (create: () => { process: (record: StreamRecord<string, string>) => void }) =>
    runTopology((b) => void b.stream('in', STRINGS).process({ create }), []);

  test('must make a processor', async () => {
    await expect(build(() => undefined as never)).rejects.toThrow(
      /create\(\) gave no processor.*node KSTREAM-PROCESSOR-0000000001/,
    );
    await expect(build(() => Promise.resolve() as never)).rejects.toThrow(/gave no processor/);
  });

  test('must make a new one for each task', async () => {
    const shared = { process: () => undefined };
    const builder = new StreamsBuilder();
    builder.stream('in', STRINGS).process({ create: () => shared });
    const topology = builder.build();
    await using first = await TopologyTestDriver.create(topology);
    expect(first.wallClockMs).toBe(0);
    await expect(TopologyTestDriver.create(topology)).rejects.toThrow(
      /gave the same processor twice.*node KSTREAM-PROCESSOR-0000000001/,
    );
  });
});
