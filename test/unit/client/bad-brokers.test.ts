import { createServer, type Server } from 'node:net';
import { KafkaJsTransport } from '../../../src/adapters/kafkajs/transport.ts';
import { systemClock, systemRandom, systemTimers } from '../../../src/adapters/node/clock.ts';
import { KafkaClient } from '../../../src/client/kafka-client.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { metadata } from '../../../src/wire/messages/index.ts';
import { Writer } from '../../../src/wire/writer.ts';
import { tcpBroker, type TcpAnswer, type TcpRequest } from '../../support/tcp-broker.ts';

const TIMEOUT_MS = 300;
/** All tries together; far above it something waits without a limit. */
const MOST_MS = 5_000;

function connect(port: number): Promise<KafkaClient> {
  return KafkaClient.connect({
    transport: new KafkaJsTransport({ clientId: 'test', connectTimeoutMs: TIMEOUT_MS }),
    brokers: [{ host: '127.0.0.1', port }],
    clientId: 'test',
    connectTimeoutMs: TIMEOUT_MS,
    requestTimeoutMs: TIMEOUT_MS,
    bootstrapTimeoutMs: 2 * TIMEOUT_MS,
    apiTimeoutMs: 2 * TIMEOUT_MS,
    retryBackoffMs: 10,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    logger: SILENT_LOGGER,
  });
}

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What a client gets that connects to a broker which answers like this. */
async function refusalBy(answer: (request: TcpRequest) => TcpAnswer): Promise<unknown> {
  await using broker = await tcpBroker(answer);
  const startMs = performance.now();
  const error = await rejectionOf(connect(broker.port));
  expect(performance.now() - startMs).toBeLessThan(MOST_MS);
  return error;
}

/** The frame of an answer: its length, the correlation id, the tags of the header, and the body. */
function framed({ correlationId }: TcpRequest, body: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeInt32BE(5 + body.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, body]);
}

/** Metadata with one broker, which says that it is reached there. */
function clusterAt(host: string, port: number): (request: TcpRequest) => TcpAnswer {
  return (request) => {
    const writer = new Writer();
    metadata.writeResponse(writer, request.version, {
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host, port, rack: null }],
      clusterId: 'cluster',
      controllerId: 1,
      topics: [],
      clusterAuthorizedOperations: -(2 ** 31),
      errorCode: 0,
    });
    return { raw: framed(request, writer.finish()) };
  };
}

describe('a broker', () => {
  test('that speaks another protocol is told by its address, and what to check', async () => {
    const http = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    const error = await refusalBy(() => ({ raw: http }));
    expect(error).toMatchObject({
      code: 'STREAMS_CLIENT',
      message: expect.stringMatching(/check that a Kafka broker listens.*127\.0\.0\.1/) as unknown,
    });
  });

  test('that answers nonsense in a right frame is final, with the API and the field', async () => {
    const error = await refusalBy((request) => ({
      raw: framed(request, new Uint8Array(40).fill(0xff)),
    }));
    expect(error).toMatchObject({
      code: 'STREAMS_CORRUPT_MESSAGE',
      message: expect.stringMatching(/Metadata response.*field/) as unknown,
    });
  });

  test.each([
    ['closes', (): TcpAnswer => 'close'],
    [
      'closes in the middle of an answer',
      (request: TcpRequest): TcpAnswer => ({
        raw: framed(request, new Uint8Array(100)).subarray(0, 50),
        thenClose: true,
      }),
    ],
    ['never answers', (): TcpAnswer => 'hang'],
  ])('that %s is tried again for a limited time, then told by its address', async (_, answer) => {
    expect(await refusalBy(answer)).toMatchObject({
      code: 'STREAMS_CLIENT',
      message: expect.stringContaining('127.0.0.1') as unknown,
    });
  });

  test('that accepts connections and says nothing at all is given up in time', async () => {
    const silent: Server = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    try {
      const startMs = performance.now();
      const error = await rejectionOf(connect(address.port));
      expect(error).toMatchObject({ code: 'STREAMS_CLIENT' });
      expect(String(error)).toContain(`127.0.0.1:${address.port}`);
      expect(performance.now() - startMs).toBeLessThan(MOST_MS);
    } finally {
      silent.close();
    }
  });

  test('that announces a wrong address is told by the address that it announces', async () => {
    await using broker = await tcpBroker(clusterAt('127.0.0.1', 1));
    await using client = await connect(broker.port);
    const startMs = performance.now();
    const error = await rejectionOf(
      client.retrying('asking node 1', () =>
        client.send({ node: 1 }, 'admin', metadata, { topics: [] }),
      ),
    );
    expect(error).toMatchObject({ code: 'STREAMS_CLIENT' });
    expect(String(error)).toContain('127.0.0.1:1');
    expect(performance.now() - startMs).toBeLessThan(MOST_MS);
  });
});
