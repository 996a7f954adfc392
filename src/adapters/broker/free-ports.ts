import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StreamsError } from '../../common/errors.ts';

/**
 * Below what operating systems hand to outgoing connections. A port from that range could be taken
 * while its broker is down; worse, a client that keeps connecting to it would in the end get it as its
 * own source port and be connected to itself.
 */
const FIRST = 20_000;
const LAST = 29_999;
const TRIES = 200;

/** Ports of the loopback interface that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries === TRIES) {
      throw new StreamsError('STREAMS_CONFIG', `no free port between ${FIRST} and ${LAST}`);
    }
    const port = randomInt(FIRST, LAST + 1);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
