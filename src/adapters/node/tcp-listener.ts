import { createServer, type Socket } from 'node:net';
import { FramePool } from '../kafkajs/frame-pool.ts';
import { FrameReader } from '../kafkajs/frame-reader.ts';

/** Who serves the connections: gets frames without their length, and gives such back. */
export interface FrameServer {
  /** Throws where nobody is to be let in. */
  connect(peer: { send(frame: Uint8Array): void; end(reason: Error): void }): {
    receive(frame: Uint8Array): void;
    close(): void;
  };
}

export interface TcpListener {
  readonly port: number;
  /** Ends every connection, and frees the port. */
  close(): Promise<void>;
}

const LENGTH_BYTES = 4;
const MAX_FRAME_BYTES = 256 << 20;

/**
 * Listens on a port of the loopback interface (0: a free one) and cuts what comes into Kafka's frames. Neither the listener nor
 * its connections keep the process alive.
 */
export async function listenTcp(
  host: string,
  port: number,
  server: FrameServer,
): Promise<TcpListener> {
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.unref();
    socket.on('error', () => undefined); // `close` follows
    try {
      serve(socket, server);
    } catch {
      socket.destroy();
    }
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, host, resolve);
  });
  listener.unref();
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

function serve(socket: Socket, server: FrameServer): void {
  const connection = server.connect({
    send(frame) {
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeInt32BE(frame.length, 0);
      socket.cork();
      socket.write(length);
      socket.write(frame);
      socket.uncork();
    },
    end() {
      socket.destroy();
    },
  });
  // Requests are kept, so no frame is ever given back to the pool.
  const frames = new FrameReader(MAX_FRAME_BYTES, new FramePool(0), (frame) => {
    connection.receive(frame);
  });
  socket.on('data', (chunk) => {
    try {
      frames.push(chunk);
    } catch {
      socket.destroy(); // no client of Kafka's
    }
  });
  socket.once('close', () => {
    connection.close();
  });
}
