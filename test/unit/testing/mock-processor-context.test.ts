import { StreamRecord } from '../../../src/common/record.ts';
import type { FixedKeyProcessorSupplier } from '../../../src/processor/fixed-key-processor.ts';
import type { ProcessorSupplier } from '../../../src/processor/processor.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import type { KeyValueStore } from '../../../src/state/key-value-store.ts';
import { Stores } from '../../../src/state/stores.ts';
import {
  MockFixedKeyProcessorContext,
  MockProcessorContext,
} from '../../../src/testing/mock-processor-context.ts';

const totals = Stores.keyValue({ name: 'totals', key: serdes.string, value: serdes.long });

/** Adds up lengths; sends the sum to `sums`, where the record was read to all, and clears the sums every minute. */
const summing: ProcessorSupplier<string, string, string> = {
  stores: [totals],
  create: (context) => {
    const store: KeyValueStore<string, number> = context.keyValueStore('totals');
    const clearing = context.schedule(
      '1m',
      'wall-clock',
      () => {
        store.delete('k');
        clearing.cancel();
      },
      { startTimeMs: 30 },
    );
    return {
      process: (record) => {
        const sum = (store.get(record.key) ?? 0) + record.value.length;
        store.put(record.key, sum);
        context.counter('sums').add(1);
        context.commit();
        context.forward(record.withValue(sum), 'sums');
        context.forward(record.withValue(context.recordMetadata?.topic));
      },
    };
  },
};

describe('a mock processor context', () => {
  test('shows what the processor forwards, and to which child', () => {
    const mock = new MockProcessorContext<string, unknown>({ stores: [totals] });
    const processor = summing.create(mock.context);
    mock.setRecordContext({ metadata: { topic: 'in', partition: 2, offset: 7 } });
    void processor.process(new StreamRecord('k', 'four', 5));
    expect(mock.forwarded).toEqual([
      { record: new StreamRecord('k', 4, 5), childName: 'sums' },
      { record: new StreamRecord('k', 'in', 5), childName: null },
    ]);
    mock.resetForwarded();
    expect(mock.forwarded).toEqual([]);
  });

  test('has the real stores, which keep what the processor puts', () => {
    const mock = new MockProcessorContext<string, unknown>({ stores: [totals] });
    const processor = summing.create(mock.context);
    for (const value of ['a', 'bc']) void processor.process(new StreamRecord('k', value, 0));
    expect(mock.context.keyValueStore<string, number>('totals').get('k')).toBe(3);
    expect(() => mock.context.keyValueStore('others')).toThrow(/is not connected.*totals/);
  });

  test('hands out the punctuators, which the test runs itself', async () => {
    const mock = new MockProcessorContext<string, unknown>({ stores: [totals] });
    const processor = summing.create(mock.context);
    void processor.process(new StreamRecord('k', 'x', 0));
    const [scheduled] = mock.scheduledPunctuators;
    expect(scheduled).toMatchObject({ intervalMs: 60_000, type: 'wall-clock', startTimeMs: 30 });
    expect(scheduled?.isCancelled).toBe(false);
    await scheduled?.punctuator(60_000);
    expect(mock.context.keyValueStore<string, number>('totals').get('k')).toBeNull();
    expect(mock.scheduledPunctuators[0]?.isCancelled).toBe(true);
  });

  test('remembers that a commit was asked for, and counts', () => {
    const mock = new MockProcessorContext<string, unknown>({ stores: [totals] });
    const processor = summing.create(mock.context);
    expect(mock.isCommitRequested).toBe(false);
    void processor.process(new StreamRecord('k', 'x', 0));
    expect(mock.isCommitRequested).toBe(true);
    expect(mock.counter('sums')).toBe(1);
    mock.resetCommit();
    expect(mock.isCommitRequested).toBe(false);
  });

  test('has the times and the record context that the test gives it', () => {
    const mock = new MockProcessorContext({ applicationId: 'shop', taskId: '1_2' });
    const { context } = mock;
    expect([context.applicationId, context.taskId]).toEqual(['shop', '1_2']);
    expect([context.currentStreamTimeMs, context.currentSystemTimeMs]).toEqual([0, 0]);
    expect(context.recordMetadata).toBeNull();
    mock.setStreamTime(5);
    mock.setWallClock(6);
    mock.setRecordContext({ headers: [['h', null]] });
    expect([context.currentStreamTimeMs, context.currentSystemTimeMs]).toEqual([5, 6]);
    expect(context.headers).toEqual([['h', null]]);
  });
});

describe('a mock context for fixed-key processors', () => {
  const upper: FixedKeyProcessorSupplier<string, string, string> = {
    create: (context) => ({
      process: (record) => {
        context.forward(record.withValue(record.value.toUpperCase()), 'loud');
      },
    }),
  };

  test('makes the records, and shows what the processor forwards', () => {
    const mock = new MockFixedKeyProcessorContext<string, string>();
    const record = mock.record('k', 'v', { timestampMs: 4, headers: [['h', null]] });
    void upper.create(mock.context).process(record);
    const [forwarded] = mock.forwarded;
    expect(forwarded?.childName).toBe('loud');
    const { key, value, timestampMs, headers } = forwarded?.record ?? {};
    expect({ key, value, timestampMs, headers }).toEqual({
      key: 'k',
      value: 'V',
      timestampMs: 4,
      headers: [['h', null]],
    });
  });

  test('takes no other records, as the real one', () => {
    const { context } = new MockFixedKeyProcessorContext();
    const forged: unknown = new StreamRecord('k', 'v', 0);
    expect(() => {
      context.forward(forged as never);
    }).toThrow(/use process\(\) to change keys/);
  });
});
