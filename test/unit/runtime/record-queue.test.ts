import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { StreamsError } from '../../../src/common/errors.ts';
import type { Counter } from '../../../src/observability/metrics.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import type { TimestampExtractor } from '../../../src/processor/timestamp-extractor.ts';
import { RecordQueue } from '../../../src/runtime/record-queue.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { memoryChunk, MemoryRecordCursor } from '../../../src/testing/memory-records.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { errorOf } from '../../support/error-of.ts';
import { bytesOf } from '../../support/task-harness.ts';

/** Text; a value that begins with `!` cannot be read. Remembers what it was asked to read. */
class PickySerde implements Serde<unknown> {
  readonly read: string[] = [];

  serialize(value: unknown): Uint8Array {
    return Buffer.from(String(value));
  }

  deserialize(bytes: Uint8Array): unknown {
    const text = Buffer.from(bytes).toString();
    this.read.push(text);
    if (text.startsWith('!')) throw new RangeError(`cannot read ${text}`);
    return text;
  }
}

interface Opened {
  readonly queue: RecordQueue;
  readonly value: PickySerde;
  readonly skipped: string[];
  readonly futureRecords: Counter;
}

function openQueue(
  timestampExtractor: TimestampExtractor | null = null,
  serde: Serde<unknown> | null = null,
): Opened {
  const value = new PickySerde();
  const skipped: string[] = [];
  const futureRecords = new MetricsRegistry().counter('future-records-total');
  const queue = new RecordQueue({
    topic: 'in',
    partition: 3,
    source: { name: 'source', children: [] },
    clock: new VirtualClock(0),
    key: serde ?? new PickySerde(),
    value: serde ?? value,
    timestampExtractor,
    cursor: new MemoryRecordCursor(),
    listener: {
      undecodable: (_, error) => void skipped.push(`${error.code}@${error.site.offset}`),
      dropped: ({ offset }, reason) => void skipped.push(`${reason}@${offset}`),
    },
    consumedRecords: new MetricsRegistry().counter('records-consumed-total'),
    futureRecords,
  });
  return { queue, value, skipped, futureRecords };
}

/** One chunk of `key=value@timestamp` records, the first of which has offset `first`. */
function add(queue: RecordQueue, first: number, lines: string[], nextOffset?: number): void {
  const records = lines.map((line, i) => ({ ...bytesOf(line), offset: first + i, headers: [] }));
  queue.add(memoryChunk('in', 3, records, nextOffset === undefined ? {} : { nextOffset }));
}

function takeAll(queue: RecordQueue): string[] {
  const taken: string[] = [];
  while (queue.advance()) {
    const { key, value, timestampMs } = queue.take();
    taken.push(`${String(key)}=${String(value)}@${timestampMs}`);
  }
  return taken;
}

describe('record queue', () => {
  test('a record from more than an hour ahead of the clock is processed and counted', () => {
    const { queue, futureRecords } = openQueue();
    add(queue, 0, ['a=1@3600000', 'b=2@3600001', 'c=3@5']);
    expect(takeAll(queue)).toEqual(['a=1@3600000', 'b=2@3600001', 'c=3@5']);
    expect(futureRecords.value).toBe(1);
  });

  test('gives records in offset order, across chunks, with null keys and values', () => {
    const { queue } = openQueue();
    add(queue, 0, ['a=1@10', '=2@5']);
    add(queue, 2, ['c=@7']);
    expect(takeAll(queue)).toEqual(['a=1@10', 'null=2@5', 'c=null@7']);
  });

  test('deserializes the head only', () => {
    const { queue, value } = openQueue();
    add(queue, 0, ['a=1@1', 'a=2@2']);
    queue.advance();
    expect(value.read).toEqual(['1']);
  });

  test.each([
    ['serdes that read in place', serdes.string, 1],
    ['a serde that may return what it is given', new PickySerde(), 0],
  ])('gives a chunk back behind its last record: %s', (_, serde, expected) => {
    const { queue } = openQueue(null, serde);
    let released = 0;
    const records = ['a=1@1', 'b=2@2'].map((line, i) => ({
      ...bytesOf(line),
      offset: i,
      headers: [],
    }));
    queue.add({ ...memoryChunk('in', 3, records), release: () => released++ });
    queue.advance();
    queue.take();
    queue.advance();
    queue.take();
    expect(released).toBe(0); // an error handler may ask for its bytes
    expect(queue.advance()).toBe(false);
    expect(released).toBe(expected);
  });

  test('records below the start of a chunk were asked for by nobody', () => {
    const { queue } = openQueue();
    const records = ['a=1@1', 'a=2@2'].map((line, i) => ({
      ...bytesOf(line),
      offset: i,
      headers: [],
    }));
    queue.add(memoryChunk('in', 3, records, { startOffset: 1 }));
    expect(takeAll(queue)).toEqual(['a=2@2']);
  });

  test('partition time is that of the highest record taken, not of those that wait', () => {
    const { queue } = openQueue();
    add(queue, 0, ['a=1@20', 'a=2@10', 'a=3@99']);
    queue.advance();
    expect(queue.partitionTimeMs).toBe(-1);
    queue.take();
    queue.advance();
    expect(queue.partitionTimeMs).toBe(20);
    queue.take();
    queue.advance();
    expect(queue.partitionTimeMs).toBe(20);
  });

  test('an extractor sees the partition time and the place of its record', () => {
    const seen: string[] = [];
    const { queue } = openQueue((record, partitionTimeMs) => {
      seen.push(`${record.topic}-${record.partition}@${record.offset} after ${partitionTimeMs}`);
      return record.timestampMs + 1;
    });
    add(queue, 5, ['a=1@20', 'a=2@10']);
    expect(takeAll(queue)).toEqual(['a=1@21', 'a=2@11']);
    expect(seen).toEqual(['in-3@5 after -1', 'in-3@6 after 21']);
  });

  test('a negative timestamp from an extractor drops the record', () => {
    const { queue, skipped } = openQueue((record) => record.timestampMs);
    add(queue, 0, ['a=1@-1', 'a=2@2']);
    expect(takeAll(queue)).toEqual(['a=2@2']);
    expect(skipped).toEqual(['negative-timestamp@0']);
  });

  test('a negative timestamp without an extractor is an error with its place', () => {
    const { queue } = openQueue();
    add(queue, 4, ['a=1@-1']);
    expect(errorOf(() => queue.advance())).toMatchObject({
      code: 'STREAMS_INVALID_TIMESTAMP',
      site: { topic: 'in', partition: 3, offset: 4, node: 'source' },
    });
  });

  test.each([undefined, Number.NaN, 1.5, '5'])(
    'an extractor that returns %p is an error',
    (result) => {
      const { queue } = openQueue((() => result) as TimestampExtractor);
      add(queue, 0, ['a=1@1']);
      expect(() => queue.advance()).toThrow(/must return whole milliseconds/);
    },
  );

  test('an extractor that throws is an error with its cause', () => {
    const cause = new Error('no field');
    const { queue } = openQueue(() => {
      throw cause;
    });
    add(queue, 0, ['a=1@1']);
    expect(errorOf(() => queue.advance())).toMatchObject({ cause });
  });

  test('what cannot be deserialized is passed to the listener and skipped', () => {
    const { queue, skipped } = openQueue();
    add(queue, 7, ['a=!@1', '!=1@2', 'a=3@3']);
    expect(takeAll(queue)).toEqual(['a=3@3']);
    expect(skipped).toEqual(['STREAMS_DESERIALIZATION@7', 'STREAMS_DESERIALIZATION@8']);
  });

  test('raw bytes of a taken record can be had until the queue moves on', () => {
    const { queue } = openQueue();
    add(queue, 0, ['key=value@1', '=@2']);
    queue.advance();
    queue.take();
    expect([queue.rawKey(), queue.rawValue()]).toEqual(
      [Buffer.from('key'), Buffer.from('value')].map((b) => new Uint8Array(b)),
    );
    queue.advance();
    queue.take();
    expect([queue.rawKey(), queue.rawValue()]).toEqual([null, null]);
  });

  describe('the next offset', () => {
    test('is where fetching began while there is nothing', () => {
      const { queue } = openQueue();
      expect(queue.nextOffset()).toBeNull();
      queue.reset(42, -1);
      expect(queue.nextOffset()).toBe(42);
    });

    test('is that of the head, whether it has been looked at or not', () => {
      const { queue } = openQueue();
      add(queue, 10, ['a=1@1', 'a=2@2']);
      expect(queue.nextOffset()).toBe(10);
      queue.advance();
      expect(queue.nextOffset()).toBe(10);
      queue.take();
      expect(queue.nextOffset()).toBe(11);
      expect(takeAll(queue)).toEqual(['a=2@2']);
    });

    test('passes markers and compacted records behind the last one', () => {
      const { queue } = openQueue();
      add(queue, 10, ['a=1@1'], 15);
      takeAll(queue);
      expect(queue.nextOffset()).toBe(15);
      add(queue, 15, [], 17);
      expect(queue.nextOffset()).toBe(17);
    });

    test('passes records that could not be read', () => {
      const { queue } = openQueue();
      add(queue, 0, ['a=!@1', 'a=!@2']);
      expect(queue.advance()).toBe(false);
      expect(queue.nextOffset()).toBe(2);
    });
  });

  test('counts what is buffered, and nothing once all is taken, whatever the chunks promised', () => {
    const { queue } = openQueue();
    add(queue, 0, ['a=1@1', 'a=2@2']);
    queue.add({ ...memoryChunk('in', 3, [], { nextOffset: 9 }), recordCount: 5 });
    expect(queue.bufferedRecords).toBe(7);
    queue.advance();
    expect(queue.bufferedRecords).toBe(7);
    queue.take();
    expect(queue.bufferedRecords).toBe(6);
    takeAll(queue);
    expect(queue.bufferedRecords).toBe(0);
  });

  test('lets go of what it has read, though there is always more', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void; // what the flag has just made
    const { queue } = openQueue();
    const read = ((): WeakRef<object> => {
      const chunk = memoryChunk('in', 3, [{ ...bytesOf('a=1@1'), offset: 0, headers: [] }]);
      queue.add(chunk);
      return new WeakRef(chunk);
    })();
    add(queue, 1, ['a=2@2', 'a=3@3']);
    for (let taken = 0; taken < 2; taken++) {
      queue.advance();
      queue.take();
    }
    await new Promise(setImmediate); // a WeakRef keeps what it was made of until the job is over
    collectGarbage();
    expect(read.deref()).toBeUndefined();
    expect(takeAll(queue)).toEqual(['a=3@3']);
  });

  test('a listener that throws stops the queue at the record', () => {
    const { queue } = openQueue();
    const failing = new RecordQueue({
      topic: 'in',
      partition: 3,
      source: { name: 'source', children: [] },
      clock: new VirtualClock(0),
      key: new PickySerde(),
      value: new PickySerde(),
      timestampExtractor: null,
      cursor: new MemoryRecordCursor(),
      listener: {
        undecodable: (_, error) => {
          throw error;
        },
        dropped: () => undefined,
      },
      consumedRecords: new MetricsRegistry().counter('records-consumed-total'),
      futureRecords: new MetricsRegistry().counter('future-records-total'),
    });
    add(failing, 0, ['a=!@1']);
    expect(() => failing.advance()).toThrow(StreamsError);
    expect(queue.bufferedRecords).toBe(0);
  });
});
