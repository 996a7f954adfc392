import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { createTopic, sharedBrokers, uniqueName } from '../support/broker.ts';
import { REPOSITORY } from '../support/installed-package.ts';
import { namedSnippets } from '../support/snippets.ts';

const DEADLINE_MS = 60_000;

test(
  "the README's program sums up orders on a real broker, and ends cleanly on SIGTERM",
  async () => {
    const brokers = sharedBrokers();
    const ordersTopic = await createTopic({ topic: uniqueName('orders'), partitions: 2 });
    const sumsTopic = await createTopic({ topic: uniqueName('spending-by-hour'), partitions: 2 });
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const orders = [
      { customer: 'ann', cents: 500 },
      { customer: 'bob', cents: 100 },
      { customer: 'ann', cents: -500 },
      { customer: 'ann', cents: 250 },
    ];
    const messages = orders.map((order) => ({
      key: 'order',
      value: JSON.stringify(order),
      timestamp: '60000',
    }));
    await producer.send({ topic: ordersTopic, messages });
    await producer.disconnect();

    const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-readme-'));
    for (const [name, text] of namedSnippets('README.md')) {
      const program = text
        .replace('localhost:9092', brokers[0] ?? '')
        .replace("'orders'", `'${ordersTopic}'`)
        .replace("'spending-by-hour'", `'${sumsTopic}'`)
        .replace("applicationId: 'spending'", `applicationId: '${uniqueName('spending')}'`);
      writeFileSync(path.join(folder, name), program);
    }
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    const tsx = path.join(REPOSITORY, 'node_modules', 'tsx', 'dist', 'loader.mjs');
    const child = spawn(process.execPath, ['--import', tsx, 'main.ts'], {
      cwd: folder,
      env: { ...process.env, TSX_TSCONFIG_PATH: path.join(REPOSITORY, 'tsconfig.json') },
      stdio: 'inherit',
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const consumer = kafka.consumer({ groupId: uniqueName('reader') });
    try {
      const sums = new Map<string, unknown>();
      await consumer.connect();
      await consumer.subscribe({ topic: sumsTopic, fromBeginning: true });
      const complete = new Promise<void>((resolve, reject) => {
        void ended.then((code) => {
          reject(new Error(`the program ended with ${code}`));
        });
        void consumer.run({
          eachMessage: ({ message }) => {
            sums.set(String(message.key), JSON.parse(String(message.value)));
            if (sums.size === 2) resolve();
            return Promise.resolve();
          },
        });
      });
      await complete;
      expect(Object.fromEntries(sums)).toEqual({
        'ann@0': { orders: 2, cents: 750 },
        'bob@0': { orders: 1, cents: 100 },
      });
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
    } finally {
      child.kill('SIGKILL');
      await consumer.disconnect();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  DEADLINE_MS,
);
