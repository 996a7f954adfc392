import { readFetchResponse } from '../../../src/wire/fetch-response.ts';
import { fetch, produce } from '../../../src/wire/messages/index.ts';
import { writeProduceRequest } from '../../../src/wire/produce-request.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { Writer } from '../../../src/wire/writer.ts';
import { bytesOf, goldenMessages } from './golden.ts';

describe('the Fetch response by hand', () => {
  test('says what the generated reader says, in every version', () => {
    for (const { version, bytes } of goldenMessages('FetchResponse')) {
      const whole = fetch.readResponse(new Reader(bytesOf(bytes)), version);
      const reader = new Reader(bytesOf(bytes));
      const result = readFetchResponse(reader, version);
      reader.expectEnd();
      const partitions = whole.responses.flatMap((topic) =>
        topic.partitions.map((partition) => {
          const { divergingEpoch, currentLeader } = partition;
          return {
            topic: version >= 13 ? topic.topicId : topic.topic,
            partition: partition.partitionIndex,
            errorCode: partition.errorCode,
            highWatermark: partition.highWatermark,
            lastStableOffset: partition.lastStableOffset,
            logStartOffset: partition.logStartOffset,
            abortedTransactions: partition.abortedTransactions,
            records: partition.records,
            // Absent is null by hand, and the schema's default in the generated message.
            divergingOffset: divergingEpoch.endOffset === -1 ? null : divergingEpoch.endOffset,
            currentLeader: currentLeader.leaderId === -1 ? null : currentLeader,
          };
        }),
      );
      const { throttleTimeMs, errorCode } = whole;
      expect({ version, ...result }).toEqual({ version, throttleTimeMs, errorCode, partitions });
    }
  });

  test('gives views of the response, not copies', () => {
    const golden = goldenMessages('FetchResponse').find(({ kind }) => kind === 'random');
    const bytes = bytesOf(golden?.bytes ?? '');
    const { partitions } = readFetchResponse(new Reader(bytes), golden?.version ?? 0);
    const records = partitions
      .map((partition) => partition.records)
      .filter((part) => part !== null);
    expect(records.length).toBeGreaterThan(0);
    for (const part of records) expect(part.buffer).toBe(bytes.buffer);
  });
});

describe('the Produce request by hand', () => {
  const batch = (size: number) => new Uint8Array(size).fill(size);
  const batches = [
    { topic: 'out', partition: 0, batch: batch(100) },
    { topic: 'out', partition: 2, batch: batch(5000) },
    { topic: 'ausgänge', partition: 1, batch: batch(0) },
  ];

  test('is what the generated writer writes, in every version', () => {
    for (let version = produce.minVersion; version <= produce.maxVersion; version++) {
      const options = { transactionalId: 'app-1', acks: -1, timeoutMs: 30_000 };
      const byHand = new Writer();
      writeProduceRequest(byHand, version, { ...options, batches });
      const generated = new Writer();
      produce.writeRequest(generated, version, {
        ...options,
        topicData: [
          {
            name: 'out',
            partitionData: [
              { index: 0, records: batch(100) },
              { index: 2, records: batch(5000) },
            ],
          },
          { name: 'ausgänge', partitionData: [{ index: 1, records: batch(0) }] },
        ],
      });
      expect(byHand.finish()).toEqual(generated.finish());
    }
  });

  test('is written into one buffer that has its size from the start', () => {
    const writer = new Writer();
    writeProduceRequest(writer, 11, { transactionalId: null, acks: -1, timeoutMs: 1, batches });
    const bytes = writer.finish();
    expect(bytes.buffer.byteLength).toBeLessThan(bytes.length + 200);
  });
});
