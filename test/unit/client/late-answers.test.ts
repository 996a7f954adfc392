import type { BrokerAddress, Channel, Lane } from '../../../src/client/transport.ts';
import * as messages from '../../../src/wire/messages/index.ts';
import {
  producerScene,
  refuseProduce,
  type ProducerScene,
} from '../../support/scripted-producer.ts';
import type { ScriptedCluster } from '../../support/scripted-cluster.ts';

const protocol1 = (cluster: ScriptedCluster): void => {
  cluster.transactionVersion = 1;
};
/** The clock moves when the test says so. */
const standStill = (cluster: ScriptedCluster): void => {
  cluster.time.jumps = false;
};

async function turns({ cluster }: ProducerScene, count: number, stepMs = 0): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await cluster.time.yieldToEventLoop();
    cluster.time.advance(stepMs);
  }
}

/** Lets something happen to each connection before it is there. */
function onConnect(
  cluster: ScriptedCluster,
  change: (channel: Channel, lane: Lane) => Promise<Channel> | Channel,
): void {
  const connect = cluster.connect.bind(cluster);
  cluster.connect = async (address: BrokerAddress, lane: Lane) =>
    change(await connect(address, lane), lane);
}

describe('what is under way while a producer goes on', () => {
  test('records thrown away before their connection was open do not take later ones with them', async () => {
    let open: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    const s = await producerScene((cluster) => {
      standStill(cluster);
      onConnect(cluster, async (channel, lane) => {
        if (lane === 'produce') await isOpen;
        return channel;
      });
    });
    s.append('old', 0);
    const flushed = s.producer.flush().catch(() => undefined);
    await turns(s, 20);
    await s.producer.abortTransaction();
    s.append('new', 1);
    const committed = s.commit();
    await turns(s, 20);
    open();
    await Promise.all([flushed, committed]);
    expect(s.received).toEqual([
      expect.objectContaining({ partition: 0, epoch: 0, values: ['old'] }),
      expect.objectContaining({ partition: 1, epoch: 1, values: ['new'] }),
    ]);
  });

  test.each(['id', null])(
    'a batch that was thrown away before its next try leaves no gap (transactional id %s)',
    async (transactionalId) => {
      const s = await producerScene(
        (cluster) => {
          protocol1(cluster);
          standStill(cluster);
        },
        { transactionalId },
      );
      s.cluster.next(messages.produce, refuseProduce(7));
      s.append('lost');
      const flushed = s.producer.flush().catch(() => undefined);
      await turns(s, 40);
      await s.producer.abortTransaction();
      s.append('kept');
      await s.producer.flush();
      expect(s.received.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
        [0, 0],
        [1, 0],
      ]);
      await flushed;
    },
  );

  test('partitions that are still being added when the transaction is aborted stay out of the next one', async () => {
    const s = await producerScene(protocol1);
    const epochs: number[] = [];
    s.cluster.on(messages.addPartitionsToTxn, ({ request }) => {
      epochs.push(request.v3AndBelowProducerEpoch);
      return {
        throttleTimeMs: 0,
        resultsByTopicV3AndBelow: [
          { name: 'out', resultsByPartition: [{ partitionIndex: 0, partitionErrorCode: 51 }] },
        ],
      };
    });
    s.append('a');
    s.producer.flush().catch(() => undefined);
    await turns(s, 20);
    await s.producer.abortTransaction();
    await turns(s, 50);
    expect(epochs.length).toBeGreaterThan(1);
    expect(new Set(epochs)).toEqual(new Set([0]));
    expect(s.producer.inTransaction).toBe(false);
  });

  test('without transactions a lost answer is asked for again, whatever the cluster can do', async () => {
    const s = await producerScene(protocol1, { transactionalId: null });
    s.cluster.next(messages.produce, 'lost');
    s.append('a');
    await s.producer.flush();
    expect(s.received.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(s.ends).toEqual(['init -1 -1']);
  });
});

test('protocol 1 needs no new epoch for a request that was answered "later"', async () => {
  const s = await producerScene(protocol1);
  s.cluster.next(messages.addPartitionsToTxn, (usual: messages.AddPartitionsToTxnResponse) => ({
    ...usual,
    resultsByTopicV3AndBelow: usual.resultsByTopicV3AndBelow.map((topic) => ({
      ...topic,
      resultsByPartition: topic.resultsByPartition.map((partition) => ({
        ...partition,
        partitionErrorCode: 51,
      })),
    })),
  }));
  s.append('a');
  await s.commit();
  expect(s.ends).toEqual(['init -1 -1', 'commit 0']);
});

test('offsets of nothing are not sent: the coordinator would not check who sends them', async () => {
  const s = await producerScene();
  s.append('a');
  await s.producer.flush();
  const member = { groupId: 'group', memberId: 'm', generationId: 3, groupInstanceId: null };
  await expect(s.producer.sendOffsets([], member)).rejects.toMatchObject({
    code: 'STREAMS_INVARIANT',
  });
});

test('a partition without a leader is asked about after waits, not all the time', async () => {
  let asked = 0;
  const s = await producerScene((cluster) => {
    standStill(cluster);
    onConnect(cluster, (channel) => {
      const send = channel.send.bind(channel);
      return Object.assign(channel, {
        send: (...request: Parameters<Channel['send']>) => {
          if (request[0] === messages.metadata.key) asked++;
          return send(...request);
        },
      });
    });
  });
  const out = { id: s.cluster.topics.get('out')?.id ?? '', leaders: [-1, 1] };
  s.cluster.topics.set('out', out);
  s.client.forgetTopic('out');
  asked = 0;
  s.append('a');
  const flushed = s.producer.flush();
  await turns(s, 500, 1);
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThan(6);
  s.cluster.topics.set('out', { ...out, leaders: [1, 1] });
  s.cluster.time.jumps = true;
  s.append('b', 1);
  await flushed;
  expect(s.received).toHaveLength(2);
});
