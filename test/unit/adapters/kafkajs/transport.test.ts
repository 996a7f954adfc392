import { KafkaJsTransport } from '../../../../src/adapters/kafkajs/transport.ts';
import { systemTimers } from '../../../../src/adapters/node/clock.ts';
import type { Channel } from '../../../../src/client/transport.ts';
import { heartbeat } from '../../../../src/wire/messages/heartbeat.ts';
import {
  tcpBroker,
  type TcpAnswer,
  type TcpBroker,
  type TcpRequest,
} from '../../../support/tcp-broker.ts';
import { until } from '../../../support/until.ts';

const OPTIONS = { timeoutMs: 5_000 };
const BODY = Buffer.from('body');

async function connected(
  answer: (request: TcpRequest) => TcpAnswer,
): Promise<AsyncDisposable & { broker: TcpBroker; channel: Channel }> {
  const broker = await tcpBroker(answer);
  const transport = new KafkaJsTransport({ clientId: 'me', connectTimeoutMs: 2_000 });
  const channel = await transport.connect({ host: '127.0.0.1', port: broker.port }, 'admin');
  return { broker, channel, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
}

const echo = (request: TcpRequest): TcpAnswer => ({ body: request.rest.subarray(-BODY.length) });
const clientError = expect.objectContaining({ code: 'STREAMS_CLIENT' }) as unknown;

describe('kafkajs transport', () => {
  test('sends the header of the version and the body as it is, and gives the answer without its header', async () => {
    await using peer = await connected(({ version }) =>
      // From version 4 on a heartbeat is flexible: its answer begins with a tag section, here with one unknown tag.
      version < 4 ? { body: BODY } : { body: Buffer.concat([Buffer.from([1, 7, 2, 9, 9]), BODY]) },
    );
    const { broker, channel } = peer;
    for (const version of [3, 4]) {
      const answer = await channel.send(heartbeat.key, version, BODY, OPTIONS);
      expect(Buffer.from(answer).toString()).toBe('body');
    }
    const clientId = '\0\u0008me-admin';
    expect(broker.requests.map(({ rest }) => rest.toString())).toEqual([
      `${clientId}body`,
      `${clientId}\0body`,
    ]);
    expect(broker.connections).toBe(1);
    channel.close();
  });

  test('requests in flight are answered in their order', async () => {
    await using peer = await connected(echo);
    const { channel } = peer;
    const bodies = Array.from({ length: 100 }, (_one, index) =>
      Buffer.from(String(index).padStart(4)),
    );
    const answers = await Promise.all(
      bodies.map((body) => channel.send(heartbeat.key, 3, body, OPTIONS)),
    );
    expect(answers.map((answer) => Buffer.from(answer).toString())).toEqual(bodies.map(String));
    channel.close();
  });

  test('a request without an answer ends the connection, and all behind it', async () => {
    await using peer = await connected(() => 'hang');
    const { channel } = peer;
    const late = channel.send(heartbeat.key, 3, BODY, { timeoutMs: 50 });
    const behind = channel.send(heartbeat.key, 3, BODY, OPTIONS);
    await expect(late).rejects.toEqual(clientError);
    await expect(behind).rejects.toEqual(clientError);
    expect((await channel.closed).message).toContain('within 50 ms');
    await expect(channel.send(heartbeat.key, 3, BODY, OPTIONS)).rejects.toEqual(clientError);
  });

  test('a broker that closes fails what is in flight', async () => {
    await using peer = await connected(() => 'close');
    const { channel } = peer;
    await expect(channel.send(heartbeat.key, 3, BODY, OPTIONS)).rejects.toEqual(clientError);
    await channel.closed;
  });

  test('an aborted request leaves the connection usable: its answer is dropped', async () => {
    await using peer = await connected(echo);
    const { channel } = peer;
    const giveUp = new AbortController();
    const given = channel.send(heartbeat.key, 3, BODY, { ...OPTIONS, signal: giveUp.signal });
    giveUp.abort(new Error('no longer wanted'));
    await expect(given).rejects.toThrow('no longer wanted');
    expect(await channel.send(heartbeat.key, 3, BODY, OPTIONS)).toHaveLength(BODY.length);
    channel.close();
  });

  test('garbage instead of a frame ends the connection, not the process', async () => {
    await using peer = await connected(() => ({
      raw: Buffer.from('HTTP/1.1 400 Bad Request'),
    }));
    const { channel } = peer;
    await expect(channel.send(heartbeat.key, 3, BODY, OPTIONS)).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      cause: { code: 'STREAMS_CORRUPT_MESSAGE' },
    });
  });

  test('an answer with a broken header fails its request at once', async () => {
    // A tag section of one tag that is not there.
    await using peer = await connected(() => ({ body: Buffer.from([1]) }));
    const { channel } = peer;
    await expect(channel.send(heartbeat.key, 4, BODY, OPTIONS)).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      cause: { code: 'STREAMS_CORRUPT_MESSAGE' },
    });
  });

  test('a timeout beyond what a timer can hold is no timeout at once', async () => {
    await using peer = await connected(echo);
    const { channel } = peer;
    const answer = await channel.send(heartbeat.key, 3, BODY, { timeoutMs: 2 ** 31 + 35_000 });
    expect(answer).toHaveLength(BODY.length);
    const parked = await connected(() => 'hang');
    const giveUp = new AbortController();
    const never = parked.channel.send(heartbeat.key, 3, BODY, {
      timeoutMs: 2 ** 31 + 35_000,
      signal: giveUp.signal,
    });
    const outcome = await Promise.race([
      never.catch(() => 'failed'),
      systemTimers.sleep(20).then(() => 'still waiting'),
    ]);
    expect(outcome).toBe('still waiting');
    giveUp.abort(new Error('enough'));
    parked.channel.close();
    await parked[Symbol.asyncDispose]();
    channel.close();
  });

  test('a peer that never answers is given up after the connect timeout', async () => {
    const { createServer } = await import('node:net');
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const transport = new KafkaJsTransport({ clientId: 'me', connectTimeoutMs: 100 });
    await expect(
      transport.connect({ host: '127.0.0.1', port: address.port }, 'admin'),
    ).rejects.toMatchObject({ code: 'STREAMS_CLIENT' });
    server.close();
  });

  test('nobody there is an error at once, and an abort ends a connect', async () => {
    const transport = new KafkaJsTransport({ clientId: 'me' });
    const nobody = { host: '127.0.0.1', port: 1 };
    await expect(transport.connect(nobody, 'admin')).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      site: { broker: '127.0.0.1:1' },
    });
    const signal = AbortSignal.abort();
    await expect(transport.connect(nobody, 'admin', signal)).rejects.toEqual(clientError);
  });

  test('idle connections cost nothing: no timer of theirs runs', async () => {
    const before = timers();
    await using peer = await connected(echo);
    const { channel } = peer;
    await channel.send(heartbeat.key, 3, BODY, OPTIONS);
    await until('no timer is left of the connection', () => timers() <= before);
    channel.close();
    await channel.closed;
  });
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}
