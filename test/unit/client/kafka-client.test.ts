import { StreamsError } from '../../../src/common/errors.ts';
import type { Reader } from '../../../src/wire/reader.ts';
import * as messages from '../../../src/wire/messages/index.ts';
import { ScriptedCluster } from '../../support/scripted-cluster.ts';

const GROUP = { coordinator: 'group', key: 'g' } as const;
const BEAT = { groupId: 'g', generationId: 1, memberId: 'm' };

function clusterOf(nodes: readonly number[]): ScriptedCluster {
  const cluster = new ScriptedCluster();
  cluster.nodes = nodes;
  cluster.on(messages.heartbeat, () => ({ throttleTimeMs: 0, errorCode: 0 }));
  return cluster;
}

describe('kafka client', () => {
  test('connects to the first broker that can be reached', async () => {
    const cluster = clusterOf([1, 2, 3]);
    cluster.down.add(1).add(2);
    const client = await cluster.connectClient();
    expect(client.clusterId).toBe('cluster');
    expect(client.transactionVersion).toBe(2);
    expect(cluster.connects).toEqual(['1/admin', '2/admin', '3/admin']);
  });

  test('names every address and its reason when none can be reached in time', async () => {
    const cluster = clusterOf([1, 2]);
    cluster.down.add(1).add(2);
    const connecting = cluster.connectClient({ bootstrapTimeoutMs: 5_000 });
    await expect(connecting).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      message: expect.stringMatching(/node:1: nobody at 1.*node:2: nobody at 2/) as unknown,
    });
  });

  test('opens one connection for each node and lane, however many ask at the same time', async () => {
    const cluster = clusterOf([1]);
    const client = await cluster.connectClient();
    const target = { node: 1 };
    await Promise.all(
      Array.from({ length: 5 }, () => client.send(target, 'group', messages.heartbeat, BEAT)),
    );
    await client.send(target, 'txn', messages.heartbeat, BEAT);
    expect(cluster.connects).toEqual(['1/admin', '1/group', '1/txn']);
  });

  test('speaks to each broker in the newest version that it knows', async () => {
    const cluster = clusterOf([1]);
    const client = await cluster.connectClient();
    const newest = await client.send({ node: 1 }, 'group', messages.heartbeat, BEAT);
    cluster.disconnect();
    cluster.maxVersions = { Heartbeat: 2 };
    const older = await client.send({ node: 1 }, 'group', messages.heartbeat, BEAT);
    const capped = await client.send({ node: 1 }, 'group', messages.heartbeat, BEAT, {
      maxVersion: 1,
    });
    expect([newest.version, older.version, capped.version]).toEqual([4, 2, 1]);
    expect(client.supports(messages.heartbeat, 3)).toBe(false);
  });

  test('a version that the broker does not have is an error that says what is needed', async () => {
    const cluster = clusterOf([1]);
    cluster.maxVersions = { Heartbeat: 2 };
    const client = await cluster.connectClient();
    const sent = client.send({ node: 1 }, 'group', messages.heartbeat, BEAT, { minVersion: 3 });
    await expect(sent).rejects.toMatchObject({
      code: 'STREAMS_BROKER_UNSUPPORTED',
      message: expect.stringContaining('Heartbeat is needed in a version from 3 to 4') as unknown,
    });
  });

  test('looks for the coordinator once, and again after it did not answer', async () => {
    const cluster = clusterOf([1]);
    const client = await cluster.connectClient();
    await client.send(GROUP, 'group', messages.heartbeat, BEAT);
    await client.send(GROUP, 'group', messages.heartbeat, BEAT);
    cluster.next(messages.heartbeat, 'cut');
    await expect(client.send(GROUP, 'group', messages.heartbeat, BEAT)).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      site: { api: 'Heartbeat' },
    });
    await client.send(GROUP, 'group', messages.heartbeat, BEAT);
    expect(cluster.log).toEqual([
      'FindCoordinator v5@1',
      'Heartbeat v4@1',
      'Heartbeat v4@1',
      'Heartbeat v4@1',
      'FindCoordinator v5@1',
      'Heartbeat v4@1',
    ]);
  });

  test('waits as long as a broker asks it to before the next request on that connection', async () => {
    const cluster = clusterOf([1]);
    const client = await cluster.connectClient();
    cluster.next(messages.heartbeat, (usual) => ({ ...usual, throttleTimeMs: 700 }));
    const startMs = cluster.time.nowMs();
    await client.send({ node: 1 }, 'group', messages.heartbeat, BEAT);
    expect(cluster.time.nowMs()).toBe(startMs);
    await client.send({ node: 1 }, 'group', messages.heartbeat, BEAT);
    expect(cluster.time.nowMs()).toBe(startMs + 700);
  });

  test('asks for a topic once in a while, again when told to, and says that it is missing', async () => {
    const cluster = clusterOf([1]).addTopic('in', 3);
    const client = await cluster.connectClient({ metadataMaxAgeMs: 1_000 });
    let asked = 0;
    cluster.next(
      messages.metadata,
      ...Array.from({ length: 9 }, () => (usual: messages.MetadataResponse) => {
        asked++;
        return usual;
      }),
    );
    const topics = await client.topics(['in', 'out']);
    expect(topics.get('in')).toMatchObject({
      partitionCount: 3,
      partitions: [{ leader: 1 }, {}, {}],
    });
    expect(topics.get('out')).toBeUndefined();
    await client.topics(['in']);
    expect(asked).toBe(1);
    await client.topics(['in'], { refresh: true });
    expect(asked).toBe(2);
    cluster.time.advance(1_001);
    await client.topics(['in']);
    expect(asked).toBe(3);
    client.forgetTopic('in');
    await client.topics(['in']);
    expect(asked).toBe(4);
  });

  test('an answer that cannot be read ends the connection, and the next request opens another', async () => {
    const cluster = clusterOf([1]);
    const client = await cluster.connectClient();
    const broken = {
      ...messages.heartbeat,
      readResponse: (reader: Reader): never => {
        throw reader.corrupt('errorCode', 'nonsense');
      },
    };
    await expect(client.send({ node: 1 }, 'group', broken, BEAT)).rejects.toMatchObject({
      code: 'STREAMS_CORRUPT_MESSAGE',
    });
    await client.send({ node: 1 }, 'group', messages.heartbeat, BEAT);
    expect(cluster.connects.filter((one) => one === '1/group')).toHaveLength(2);
  });

  test('after close everything is refused', async () => {
    const client = await clusterOf([1]).connectClient();
    await client.close();
    await expect(client.topics(['in'])).rejects.toMatchObject({ code: 'STREAMS_STOPPED' });
  });

  test('close gives up what is being connected, and so does the signal of the first connect', async () => {
    const hanging = clusterOf([1]);
    const given: unknown[] = [];
    hanging.connect = (_address, _lane, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          given.push(signal.reason);
          reject(new StreamsError('STREAMS_CLIENT', 'given up'));
        });
      });
    const giveUp = new AbortController();
    const connecting = hanging.connectClient({ signal: giveUp.signal });
    await hanging.time.yieldToEventLoop();
    giveUp.abort(new Error('no longer wanted'));
    await expect(connecting).rejects.toThrow('no longer wanted');
    expect(given).toHaveLength(1);

    const cluster = clusterOf([1]);
    const client = await cluster.connectClient();
    cluster.connect = hanging.connect.bind(hanging);
    const asked = client.send({ node: 1 }, 'group', messages.heartbeat, BEAT);
    await cluster.time.yieldToEventLoop();
    await client.close();
    await expect(asked).rejects.toMatchObject({ code: 'STREAMS_STOPPED' });
    expect(given).toHaveLength(2);
  });
});
