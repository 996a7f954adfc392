import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  isStreamsError,
  KafkaStreams,
  serdes,
  type KafkaStreamsOptions,
  type StreamsError,
} from '../../../src/index.ts';
import { createTopic, sharedBrokers, uniqueName } from '../../support/broker.ts';
import { countingInput, readCounts } from '../../support/counts.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { produce } from '../../support/records.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(120_000);

const MODULE = pathToFileURL(join(process.cwd(), 'test/support/threads-topology.mjs'));
const KEYS = 20;
const PER_KEY = 50;

/** Topics, a folder, and an application with two worker threads. */
async function application(query: Readonly<Record<string, string>> = {}) {
  const input = await createTopic({ partitions: 4 });
  const output = await createTopic({ partitions: 2 });
  const folder = await tempFolder();
  const trace = join(folder.path, 'died');
  const logger = new RecordingLogger();
  const module = new URL(MODULE);
  module.search = String(new URLSearchParams({ input, output, trace, ...query }));
  const applicationId = uniqueName('app');
  const create = (more: Partial<KafkaStreamsOptions> = {}): KafkaStreams =>
    new KafkaStreams(module, {
      applicationId,
      brokers: sharedBrokers(),
      processingGuarantee: 'exactly_once_v2',
      threads: 2,
      stateDir: folder.path,
      statestoreCacheMaxBytes: 0,
      sessionTimeoutMs: 2_000,
      heartbeatIntervalMs: 300,
      transactionTimeoutMs: 2_000,
      logger,
      ...more,
    });
  const lastCounts = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      Object.entries(await readCounts(output)).map(([key, counts]) => [key, counts.at(-1) ?? 0]),
    );
  const counted = (total: number): Promise<void> =>
    until(
      `${total} counts`,
      async () => Object.values(await lastCounts()).reduce((a, b) => a + b, 0) >= total,
      60_000,
    );
  const logged = (): string[] => logger.lines.map(({ message }) => message);
  return {
    input,
    output,
    create,
    counted,
    logged,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function threadsOf(streams: KafkaStreams): readonly string[] {
  const samples = streams.metrics().snapshot();
  return [...new Set(samples.map(({ tags }) => tags['thread-id'] ?? ''))]
    .filter((name) => name !== '')
    .map((name) => name.slice(-1))
    .sort();
}

async function errorOf(promise: Promise<unknown>): Promise<StreamsError> {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!isStreamsError(error)) throw error;
  return error;
}

describe('an instance with two worker threads', () => {
  test('shares its tasks between them, and is one instance to the outside', async () => {
    await using app = await application();
    const { input, output, create, counted } = app;
    await using streams = create();
    await produce(input, countingInput(KEYS, PER_KEY));
    await streams.start();
    expect(streams.state).toBe('RUNNING');
    await counted(KEYS * PER_KEY);
    await until('the metrics of both threads', () => threadsOf(streams).join() === '1,2', 10_000);
    expect(() => streams.store('counts')).toThrow('worker threads');
    expect(await streams.close()).toBe(true);
    expect(streams.state).toBe('NOT_RUNNING');

    const lists = Object.values(await readCounts(output));
    expect(lists).toHaveLength(KEYS);
    const oneToAll = Array.from({ length: PER_KEY }, (_, number) => number + 1);
    for (const list of lists) expect(list).toEqual(oneToAll);
  });

  test('moves tasks between its threads with their state, also when it starts with another number of them', async () => {
    await using app = await application();
    const { input, output, create, counted } = app;
    let total = 0;
    for (const threads of [1, 3, 2]) {
      await using streams = create({ threads });
      await produce(input, countingInput(KEYS, PER_KEY));
      total += KEYS * PER_KEY;
      await streams.start();
      await counted(total);
      expect(await streams.close()).toBe(true);
    }
    const oneToAll = Array.from({ length: 3 * PER_KEY }, (_, number) => number + 1);
    for (const list of Object.values(await readCounts(output))) expect(list).toEqual(oneToAll);
  });

  test('replaces a worker that dies where the handler of the module says so; nothing is lost or doubled', async () => {
    await using app = await application({
      handler: 'replaceThread',
    });
    const { input, output, create, counted, logged } = app;
    await using streams = create();
    await streams.start();
    await produce(input, countingInput(KEYS, PER_KEY));
    await produce(input, [{ key: 'bad', value: 'die' }]);
    await produce(input, countingInput(KEYS, PER_KEY));
    await counted(2 * KEYS * PER_KEY + 1);
    expect(logged()).toContain('a worker thread has died');
    expect(streams.state).toBe('RUNNING');
    const oneToAll = Array.from({ length: 2 * PER_KEY }, (_, number) => number + 1);
    const { die, ...others } = await readCounts(output);
    expect(die).toEqual([1]);
    for (const list of Object.values(others)) expect(list).toEqual(oneToAll);
  });

  test('ends with a worker that dies, by default, and says which and how', async () => {
    await using app = await application();
    const { input, create } = app;
    await using streams = create();
    await streams.start();
    await produce(input, [{ key: 'bad', value: 'die' }]);
    await until('the instance to fail', () => streams.state === 'ERROR', 30_000);
    expect(streams.error?.code).toBe('STREAMS_WORKER_DIED');
    expect(String(streams.error?.cause)).toContain('exit code 7');
    // All of it is closed: another may have the folder.
    await using next = create();
    await next.start();
    expect(next.state).toBe('RUNNING');
  });

  test("fails with a worker's error, its place and cause kept", async () => {
    await using app = await application();
    const { input, create } = app;
    await using streams = create();
    await streams.start();
    await produce(input, [{ key: 'bad', value: 'throw' }]);
    await until('the instance to fail', () => streams.state === 'ERROR', 30_000);
    expect(streams.error).toMatchObject({ code: 'STREAMS_PROCESSING', site: { topic: input } });
    expect(String(streams.error?.cause)).toContain('this value is refused');
  });
});

describe('what cannot run in worker threads', () => {
  test('a module without a topology, told at the start', async () => {
    await using folder = await tempFolder();
    const module = new URL('data:text/javascript,export const nothing = 1;');
    await using streams = new KafkaStreams(module, {
      applicationId: uniqueName('app'),
      brokers: sharedBrokers(),
      stateDir: folder.path,
    });
    const error = await errorOf(streams.start());
    expect(error).toMatchObject({ code: 'STREAMS_CONFIG' });
    expect(error.message).toContain('exports no function `topology`');
    expect(streams.state).toBe('ERROR');
  });

  test.each([
    ['cannot be loaded', 'file:///no/such/topology.js'],
    ['threw', 'data:text/javascript,export function topology() { throw new Error("no table") }'],
    ['returned a promise', 'data:text/javascript,export async function topology() {}'],
  ])('a module that %s, told at the start with what to mend', async (what, url) => {
    await using folder = await tempFolder();
    await using streams = new KafkaStreams(new URL(url), {
      applicationId: uniqueName('app'),
      brokers: sharedBrokers(),
      stateDir: folder.path,
    });
    const error = await errorOf(streams.start());
    expect(error).toMatchObject({ code: 'STREAMS_TOPOLOGY' });
    expect(error.message).toContain(what);
  });

  test('a module that hangs: close ends the wait, and leaves nothing open', async () => {
    await using folder = await tempFolder();
    const create = (): KafkaStreams =>
      new KafkaStreams(
        new URL('data:text/javascript,await new Promise(() => setInterval(() => 0, 1e6))'),
        {
          applicationId: 'hangs',
          brokers: sharedBrokers(),
          stateDir: folder.path,
          closeTimeoutMs: 500,
        },
      );
    const streams = create();
    const starting = errorOf(streams.start());
    await until('the folder to be locked', () => existsSync(join(folder.path, 'hangs', 'lock')));
    await streams.close({ timeout: '20s' });
    expect(await starting).toMatchObject({ code: 'STREAMS_STOPPED' });
    expect(streams.state).toBe('NOT_RUNNING');
    expect(existsSync(join(folder.path, 'hangs', 'lock'))).toBe(false);
  });

  test('an option that holds functions, told by the constructor', () => {
    const make = (more: object) => () =>
      new KafkaStreams(MODULE, { applicationId: 'app', brokers: ['localhost:9092'], ...more });
    expect(make({ defaultKeySerde: serdes.string })).toThrow('export it from the topology module');
    expect(make({ sasl: { mechanism: 'oauthbearer', oauthBearerProvider: () => null } })).toThrow(
      'sasl: it holds functions',
    );
    const streams = make({})();
    expect(() => {
      streams.setUncaughtExceptionHandler(() => 'replaceThread');
    }).toThrow('export `uncaughtExceptionHandler`');
  });
});
