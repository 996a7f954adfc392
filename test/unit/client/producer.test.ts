import fc from 'fast-check';
import * as messages from '../../../src/wire/messages/index.ts';
import {
  producerScene,
  refuseProduce,
  type ProducerScene,
} from '../../support/scripted-producer.ts';

/** Values that the log has, in order: those of the batches that were not refused. */
function values({ received }: ProducerScene, partition = 0): string[] {
  return received.filter((batch) => batch.partition === partition).flatMap((batch) => batch.values);
}

describe('producer', () => {
  test('a batch that is not full waits for the linger time, one that is full does not', async () => {
    const s = await producerScene(undefined, { lingerMs: 100, batchBytes: 200 });
    s.cluster.time.jumps = false;
    s.append('a');
    s.producer.poke();
    await s.cluster.time.yieldToEventLoop();
    expect(s.received).toEqual([]);
    s.append('b'.repeat(150));
    s.append('c');
    await s.cluster.time.advanceUntil('the full batch is sent', () => s.received.length > 0, 1);
    expect(values(s)).toEqual(['a']);
    await s.cluster.time.advanceUntil('the rest is sent', () => s.producer.bufferedBytes === 0, 10);
    expect(values(s)).toEqual(['a', 'b'.repeat(150), 'c']);
  });

  test('a record that no request could carry is refused at once and leaves the others alone', async () => {
    const s = await producerScene(undefined, { batchBytes: 100, maxRequestBytes: 300 });
    s.append('a');
    expect(() => {
      s.append('x'.repeat(300));
    }).toThrow(expect.objectContaining({ code: 'STREAMS_RECORD_TOO_LARGE' }) as Error);
    s.append('y'.repeat(200));
    await s.commit();
    expect(values(s)).toEqual(['a', 'y'.repeat(200)]);
  });

  test('is full at its limit, and drained at half of it', async () => {
    const s = await producerScene(undefined, { batchBytes: 100, bufferBytes: 1_000 });
    while (!s.producer.isFull) s.append('0123456789');
    expect(s.producer.bufferedBytes).toBeGreaterThanOrEqual(1_000);
    await s.producer.drain();
    expect(s.producer.bufferedBytes).toBeLessThanOrEqual(500);
  });

  test('sends one request at a time to a broker, in it one batch of each partition', async () => {
    const s = await producerScene((cluster) => cluster.next(messages.produce, 'hang'), {
      batchBytes: 100,
    });
    for (let index = 0; index < 20; index++) s.append('0123456789', index % 2);
    s.producer.poke();
    await s.cluster.time.advanceUntil(
      'a request is under way',
      () => s.cluster.log.at(-1)?.startsWith('Produce') ?? false,
    );
    s.producer.poke();
    for (let turn = 0; turn < 50; turn++) await s.cluster.time.yieldToEventLoop();
    expect(s.cluster.log.filter((line) => line.startsWith('Produce'))).toHaveLength(1);
    s.cluster.disconnect();
    await s.producer.flush();
    expect(values(s, 0)).toHaveLength(10);
    expect(values(s, 1)).toHaveLength(10);
  });

  test.each([6, 7, 19, 20, 51, 3, 2])(
    'a batch refused with %i is sent again under its sequence, before those behind it',
    async (errorCode) => {
      const s = await producerScene(
        (cluster) =>
          cluster.next(messages.produce, refuseProduce(errorCode), refuseProduce(errorCode)),
        { batchBytes: 100 },
      );
      for (let index = 0; index < 20; index++) s.append(`value ${index}`);
      await s.commit();
      const [first, again, third, ...rest] = s.received;
      expect([again, third]).toEqual([first, first]);
      const sent = [first, ...rest].flatMap((batch) => batch?.values ?? []);
      expect(sent).toEqual(Array.from({ length: 20 }, (_, index) => `value ${index}`));
    },
  );

  test('follows a leader that moves', async () => {
    const s = await producerScene((cluster) => {
      cluster.nodes = [1, 2];
    });
    s.append('a');
    await s.commit();
    s.cluster.next(messages.produce, refuseProduce(6));
    s.cluster.topics.set('out', { id: s.cluster.topics.get('out')?.id ?? '', leaders: [2, 2] });
    s.append('b');
    await s.commit();
    expect(s.cluster.log.filter((line) => line.startsWith('Produce'))).toEqual([
      'Produce v12@1',
      'Produce v12@1',
      'Produce v12@2',
    ]);
  });

  test('a batch that is not acknowledged within its time fails the producer, for good until an abort', async () => {
    const s = await producerScene((cluster) => cluster.on(messages.produce, () => 'cut'), {
      deliveryTimeoutMs: 5_000,
    });
    s.append('a');
    await expect(s.producer.flush()).rejects.toMatchObject({ code: 'STREAMS_TASK_CORRUPTED' });
  });

  test('a batch that is too large for the topic is split until it fits', async () => {
    const s = await producerScene((cluster) =>
      cluster.next(messages.produce, refuseProduce(10), refuseProduce(10)),
    );
    for (const value of ['a', 'b', 'c', 'd', 'e']) s.append(value);
    await s.commit();
    expect(s.received.map((batch) => [batch.sequence, ...batch.values])).toEqual([
      [0, 'a', 'b', 'c', 'd', 'e'],
      [0, 'a', 'b', 'c'],
      [0, 'a', 'b'],
      [2, 'c'],
      [3, 'd', 'e'],
    ]);
  });

  test('a record that is refused fails the producer, or is left out where a handler says so', async () => {
    const script = refuseProduce(87, [1, 3]);
    const strict = await producerScene((cluster) => cluster.next(messages.produce, script));
    for (const value of ['a', 'b', 'c', 'd']) strict.append(value);
    await expect(strict.producer.flush()).rejects.toMatchObject({ code: 'STREAMS_PRODUCTION' });

    const lax = await producerScene((cluster) => cluster.next(messages.produce, script));
    const told: unknown[] = [];
    lax.producer.onError((failure) => {
      told.push([failure.topic, failure.partition, failure.recordIndexes, failure.error.code]);
      return 'drop';
    });
    for (const value of ['a', 'b', 'c', 'd']) lax.append(value);
    await lax.producer.flush();
    lax.append('e');
    await lax.commit();
    expect(told).toEqual([['out', 0, [1, 3], 'STREAMS_PRODUCTION']]);
    expect(lax.received.map((batch) => [batch.sequence, ...batch.values])).toEqual([
      [0, 'a', 'b', 'c', 'd'],
      [0, 'a', 'c'],
      [2, 'e'],
    ]);
  });

  test('a whole batch may be left out, and its sequence is not skipped', async () => {
    const s = await producerScene((cluster) => cluster.next(messages.produce, refuseProduce(32)));
    s.producer.onError(() => 'drop');
    s.append('a');
    await s.producer.flush();
    s.append('b');
    await s.commit();
    expect(s.received.map((batch) => [batch.sequence, ...batch.values])).toEqual([
      [0, 'a'],
      [0, 'b'],
    ]);
  });

  test('the acknowledged offset is that of the last record', async () => {
    const s = await producerScene();
    expect(s.producer.ackedOffset('out', 0)).toBeUndefined();
    for (const value of ['a', 'b', 'c']) s.append(value);
    await s.producer.flush();
    expect(s.producer.ackedOffset('out', 0)).toBe(2);
    expect(s.producer.ackedOffset('out', 1)).toBeUndefined();
  });

  test('a topic that does not exist is found before anything is appended', async () => {
    const s = await producerScene();
    await expect(s.producer.prepareTopics(['out', 'nowhere'])).rejects.toMatchObject({
      code: 'STREAMS_TOPIC_MISSING',
      site: { topic: 'nowhere' },
    });
    expect(s.producer.partitionCount('out')).toBe(2);
  });

  test('nothing is sent while a record may be taken back', async () => {
    const s = await producerScene(undefined, { batchBytes: 100 });
    const mark = s.producer.mark();
    for (let index = 0; index < 20; index++) s.append('0123456789');
    s.producer.poke();
    s.cluster.time.advance(1_000);
    for (let turn = 0; turn < 50; turn++) await s.cluster.time.yieldToEventLoop();
    expect(s.received).toEqual([]);
    s.producer.release(mark);
    await s.commit();
    expect(values(s)).toHaveLength(20);
  });

  test('whatever is rolled back is gone and whatever is not is in order, across full batches and partitions', async () => {
    const record = fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 60 }));
    const step = fc.record({
      records: fc.array(record, { maxLength: 6 }),
      isTakenBack: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const s = await producerScene(undefined, { batchBytes: 150 });
        const expected: [string[], string[]] = [[], []];
        let count = 0;
        for (const { records, isTakenBack } of steps) {
          const mark = s.producer.mark();
          for (const [partition, length] of records) {
            const value = `${count++} ${'x'.repeat(length)}`;
            s.append(value, partition);
            if (!isTakenBack) expected[partition]?.push(value);
          }
          if (isTakenBack) s.producer.rollback(mark);
          else s.producer.release(mark);
          s.producer.poke();
        }
        await s.producer.flush();
        expect([values(s, 0), values(s, 1)]).toEqual(expected);
        expect(s.producer.bufferedBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
