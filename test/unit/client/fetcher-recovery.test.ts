import { Fetcher } from '../../../src/client/fetcher.ts';
import { CompressionCodecs } from '../../../src/wire/compression.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';
import * as messages from '../../../src/wire/messages/index.ts';
import { RecordBatchWriter } from '../../../src/wire/record-batch-writer.ts';
import { ScriptedCluster } from '../../support/scripted-cluster.ts';

const codecs = new CompressionCodecs();

function batch(valueBytes: number): Uint8Array {
  const writer = new RecordBatchWriter({ batchBytes: valueBytes + 200, crc32c });
  writer.append(null, new Uint8Array(valueBytes), 1_000);
  return writer.finish();
}

/** A fetcher of topic `in`, whose partitions each hold one record of as many bytes as is said. */
async function scene(
  ...valueBytes: number[]
): Promise<{ cluster: ScriptedCluster; fetcher: Fetcher; assign: () => void }> {
  const cluster = new ScriptedCluster().addTopic('in', valueBytes.length);
  cluster.on(messages.fetch, ({ request }) => ({
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 0,
    nodeEndpoints: [],
    responses: request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition, fetchOffset }) => ({
        partitionIndex: partition,
        errorCode: 0,
        highWatermark: 1,
        lastStableOffset: 1,
        logStartOffset: 0,
        divergingEpoch: { epoch: -1, endOffset: -1 },
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
        snapshotId: { endOffset: -1, epoch: -1 },
        abortedTransactions: [],
        preferredReadReplica: -1,
        records: fetchOffset === 0 ? batch(valueBytes[partition] ?? 0) : new Uint8Array(0),
      })),
    })),
  }));
  const client = await cluster.connectClient();
  const fetcher = new Fetcher({
    client,
    isolation: 'read_committed',
    lane: 'fetch',
    crc32c,
    codecs,
  });
  const assign = (): void => {
    fetcher.assign(valueBytes.map((_, partition) => ({ topic: 'in', partition, offset: 0 })));
  };
  return { cluster, fetcher, assign };
}

describe('fetcher', () => {
  test('an error of all partitions is thrown until the next assignment, which begins anew', async () => {
    const { cluster, fetcher, assign } = await scene(10);
    cluster.next(messages.fetch, (usual: messages.FetchResponse) => ({ ...usual, errorCode: 29 }));
    assign();
    await expect(fetcher.poll(1_000)).rejects.toMatchObject({ code: 'STREAMS_AUTHORIZATION' });
    expect(() => fetcher.tryPoll()).toThrow();
    assign();
    expect(await fetcher.poll(1_000)).toHaveLength(1);
    await fetcher.close();
  });

  test('an answer is given back when all partitions that have records of it are read, and once', async () => {
    const { cluster, fetcher, assign } = await scene(1_000, 1_000, 0);
    assign();
    const [first, second] = (await fetcher.poll(1_000)).filter(
      ({ recordCount }) => recordCount > 0,
    );
    const before = cluster.recycled;
    first?.release?.();
    expect(() => first?.release?.()).toThrow('gives it back once'); // the other one still reads
    expect(cluster.recycled).toBe(before);
    second?.release?.();
    expect(cluster.recycled).toBe(before + 1);
    await fetcher.close();
  });

  test('a few records do not keep the large answer that they came in', async () => {
    const { fetcher, assign } = await scene(100_000, 10);
    assign();
    const chunks = await fetcher.poll(1_000);
    const [large, small] = chunks.map(({ batches }) => batches[0]?.bytes.buffer.byteLength ?? 0);
    expect(large).toBeGreaterThan(100_000);
    expect(small).toBeLessThan(200);
    await fetcher.close();
  });
});
