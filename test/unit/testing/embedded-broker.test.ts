import { KafkaClient } from '../../../src/client/kafka-client.ts';
import { Admin } from '../../../src/client/admin.ts';
import { fetchCommitted } from '../../../src/client/committed-offsets.ts';
import type { Producer } from '../../../src/client/producer.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { EmbeddedBroker, startKafka, type EmbeddedBrokerOptions } from '../../../src/testing.ts';
import { metadata } from '../../../src/wire/messages/metadata.ts';
import { produce } from '../../../src/wire/messages/produce.ts';
import {
  bytesOf,
  openFetcher,
  openProducer,
  parseAddress,
  readUntil,
} from '../../support/client.ts';
import { until } from '../../support/until.ts';
import { VirtualTime, middleRandom } from '../../support/virtual-time.ts';

/** A client of the embedded broker, without sockets and in virtual time that jumps to what is due. */
async function connected(options: EmbeddedBrokerOptions = {}, clientId = 'app') {
  const time = new VirtualTime();
  time.jumps = true;
  const environment = { clock: time, timers: time, random: middleRandom };
  const broker = await EmbeddedBroker.start({ listen: false, environment, ...options });
  const connect = (id: string): Promise<KafkaClient> =>
    KafkaClient.connect({
      transport: broker.transport(id),
      brokers: broker.brokers.map(parseAddress),
      clientId: id,
      clock: time,
      timers: time,
      random: middleRandom,
      logger: SILENT_LOGGER,
    });
  const client = await connect(clientId);
  const admin = new Admin(client);
  await admin.createTopics([{ name: 'topic', partitions: 1, replicationFactor: -1, config: {} }], {
    timeoutMs: 5_000,
  });
  return { broker, client, admin, time, connect };
}

function append(producer: Producer, value: string): void {
  producer.append('topic', 0, bytesOf('key'), bytesOf(value), 0, []);
}

async function committedValues(client: KafkaClient, end: number): Promise<readonly string[]> {
  const fetcher = await openFetcher({ client });
  fetcher.assign([{ topic: 'topic', partition: 0, offset: 0 }]);
  const read = await readUntil(fetcher, { 0: end }, 'topic');
  await fetcher.close();
  return (read['0'] ?? []).map((value) => value.replace(/^\d+:/, ''));
}

describe('a fault', () => {
  test('a lost answer to Produce is asked for again, and the record is there once', async () => {
    const { broker, client } = await connected();
    const producer = await openProducer({ client, transactionalId: null });
    const lost = broker.faults.once(produce, { lose: 'answer' });
    append(producer, 'a');
    await producer.flush();
    await lost;
    append(producer, 'b');
    await producer.flush();
    expect(await committedValues(client, 2)).toEqual(['a', 'b']);
    await broker.stop();
  });

  test('a request that is lost without a sound fails by the timeout of the client, and is repeated', async () => {
    const { broker, client } = await connected();
    const lost = broker.faults.once(metadata, { lose: 'request', silently: true });
    const found = await client.retrying('metadata', () =>
      client.topics(['topic'], { refresh: true }),
    );
    await lost;
    expect(found.get('topic')?.partitionCount).toBe(1);
    await broker.stop();
  });

  test('a request comes again after it was answered: to a partition, a batch of known sequence is no second one', async () => {
    const { broker, client } = await connected();
    const producer = await openProducer({ client, transactionalId: null });
    let deliver: () => void = () => undefined;
    const later = new Promise<void>((resolve) => {
      deliver = resolve;
    });
    void broker.faults.once(produce, { repeatAfter: later });
    append(producer, 'a');
    await producer.flush();
    deliver();
    append(producer, 'b');
    await producer.flush();
    expect(await committedValues(client, 2)).toEqual(['a', 'b']);
    await broker.stop();
  });

  test('a client that crashes is cut off and not let in; others go on', async () => {
    const { broker, client, connect } = await connected();
    const other = await connect('other');
    broker.faults.crash('app');
    const refused = client.send({ any: true }, 'admin', metadata, { topics: [] });
    await expect(refused).rejects.toMatchObject({ code: 'STREAMS_CLIENT' });
    expect((await other.topics(['topic'])).get('topic')?.partitionCount).toBe(1);
    broker.faults.revive('app');
    const again = await client.retrying('metadata', () =>
      client.topics(['topic'], { refresh: true }),
    );
    expect(again.get('topic')?.partitionCount).toBe(1);
    await broker.stop();
  });

  test('a marker that is held back holds back readers, though EndTxn was answered', async () => {
    const { broker, client, admin } = await connected();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    broker.faults.markerDelay = ({ topic }) => (topic === 'topic' ? held : 0);
    const producer = await openProducer({ client, transactionalId: 'txn' });
    append(producer, 'a');
    await producer.flush();
    await producer.abortTransaction();
    const end = async (isolation: 'read_committed' | 'read_uncommitted') => {
      const at = [{ topic: 'topic', partition: 0 }];
      return (await admin.listOffsets(at, 'latest', isolation)).get('topic-0')?.offset;
    };
    expect([await end('read_committed'), await end('read_uncommitted')]).toEqual([0, 1]);
    release();
    await until('the marker', async () => (await end('read_committed')) === 2);
    await broker.stop();
  });
});

describe('the cluster', () => {
  test('leaders and coordinators move: clients find them', async () => {
    const { broker, client } = await connected({ nodes: 2 });
    const producer = await openProducer({ client, transactionalId: null });
    for (const [round, value] of ['a', 'b', 'c'].entries()) {
      const node = 1 + (round % 2);
      broker.cluster.moveLeader('topic', 0, node);
      broker.cluster.moveCoordinator('transaction', 'txn', node);
      append(producer, value);
      await producer.flush();
      const fenced = await openProducer({ client, transactionalId: 'txn' });
      append(fenced, 'aborted');
      await fenced.flush();
      await fenced.abortTransaction();
    }
    expect(await committedValues(client, 9)).toEqual(['a', 'b', 'c']);
    await broker.stop();
  });

  test('compaction keeps the last record of a key, and readers come to the end over what is left', async () => {
    const { broker, client, admin } = await connected();
    const producer = await openProducer({ client, transactionalId: null });
    for (const value of ['a', 'b', 'c']) {
      append(producer, value);
      await producer.flush();
    }
    broker.cluster.compact('topic');
    expect(await committedValues(client, 3)).toEqual(['c']);
    const at = [{ topic: 'topic', partition: 0 }];
    expect((await admin.listOffsets(at, 'latest', 'read_committed')).get('topic-0')?.offset).toBe(
      3,
    );
    await broker.stop();
  });

  test('a topic that is deleted takes its committed offsets with it', async () => {
    const { broker, client, admin } = await connected();
    const offsets = broker.cluster.state.groups.getOrCreate('group').offsets;
    offsets.commit({ topic: 'topic', partition: 0, offset: 5, leaderEpoch: -1, metadata: '' });
    const read = async () => {
      const options = { requireStable: true, deadlineMs: 1_000 };
      const at = [{ topic: 'topic', partition: 0 }];
      return (await fetchCommitted(client, 'group', at, options)).get('topic-0')?.offset;
    };
    expect(await read()).toBe(5);
    await admin.deleteTopics(['topic']);
    expect(await read()).toBeUndefined();
    await broker.stop();
  });
});

describe('the launcher', () => {
  test('gives out an embedded broker where it is asked for, which refuses what needs a real one', async () => {
    await using broker = await startKafka({ source: 'embedded' });
    expect([broker.source, broker.version, broker.brokers.length]).toEqual(['embedded', '4.3', 1]);
    await expect(broker.tool('kafka-topics')).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
    const secured = { source: 'embedded', listeners: 'SASL_PLAINTEXT', users: { a: 'b' } } as const;
    await expect(startKafka(secured)).rejects.toThrow('no TLS and no SASL');
  });
});
