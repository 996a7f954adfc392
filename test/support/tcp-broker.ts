import { createServer, type Server, type Socket } from 'node:net';
import { FramePool } from '../../src/adapters/kafkajs/frame-pool.ts';
import { FrameReader } from '../../src/adapters/kafkajs/frame-reader.ts';
import * as messages from '../../src/wire/messages/index.ts';
import { Writer } from '../../src/wire/writer.ts';

export interface TcpRequest {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
  /** Client id, header tags and body. */
  readonly rest: Buffer;
}

/** What the broker does with a request: a body to answer with, raw bytes to send, or nothing at all. */
export type TcpAnswer =
  | { readonly body: Uint8Array }
  | { readonly raw: Uint8Array; readonly thenClose?: boolean }
  | 'hang'
  | 'close';

export interface TcpBroker extends AsyncDisposable {
  readonly port: number;
  readonly requests: TcpRequest[];
  readonly connections: number;
}

/** A socket that speaks just enough of Kafka to be connected to: answers ApiVersions itself, asks `answer` for the rest. */
export async function tcpBroker(answer: (request: TcpRequest) => TcpAnswer): Promise<TcpBroker> {
  const requests: TcpRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const frames = new FrameReader(1 << 20, new FramePool(0), (frame) => {
      const request = {
        apiKey: frame.readInt16BE(0),
        version: frame.readInt16BE(2),
        correlationId: frame.readInt32BE(4),
        rest: frame.subarray(8),
      };
      if (request.apiKey === messages.apiVersions.key) {
        socket.write(framed(request.correlationId, versionsBody(request.version)));
        return;
      }
      requests.push(request);
      const what = answer(request);
      if (what === 'close') socket.destroy();
      else if (what === 'hang') return;
      else if ('raw' in what && what.thenClose === true) socket.end(what.raw);
      else if ('raw' in what) socket.write(what.raw);
      else socket.write(framed(request.correlationId, what.body));
    });
    socket.on('data', (chunk) => {
      frames.push(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    requests,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function framed(correlationId: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + body.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, body]);
}

function versionsBody(version: number): Uint8Array {
  const writer = new Writer();
  messages.apiVersions.writeResponse(writer, version, {
    errorCode: 0,
    apiKeys: Object.values(messages).flatMap((api) =>
      'key' in api
        ? [{ apiKey: api.key, minVersion: api.minVersion, maxVersion: api.maxVersion }]
        : [],
    ),
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1,
    finalizedFeatures: [],
    zkMigrationReady: false,
  });
  return writer.finish();
}
