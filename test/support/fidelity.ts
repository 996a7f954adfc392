import { nodeCodecs } from '../../src/adapters/compression/node-codecs.ts';
import { loadCrc32c } from '../../src/adapters/crc/load-crc32c.ts';
import { KafkaJsTransport } from '../../src/adapters/kafkajs/transport.ts';
import type { Channel } from '../../src/client/transport.ts';
import { EmbeddedBroker } from '../../src/embedded-broker.ts';
import type { Api } from '../../src/wire/api.ts';
import { findCoordinator } from '../../src/wire/messages/find-coordinator.ts';
import { apiVersions } from '../../src/wire/messages/api-versions.ts';
import { Reader } from '../../src/wire/reader.ts';
import { readRecordBatch } from '../../src/wire/record-batch.ts';
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import { Writer } from '../../src/wire/writer.ts';
import { sharedBrokers, uniqueName } from './broker.ts';
import { parseAddress } from './client.ts';
import { until } from './until.ts';

/** Fields that the embedded broker need not give alike, each with its reason. Everything else must be equal. */
export const TOLERATED: Readonly<Record<string, string>> = {
  throttleTimeMs: 'quotas depend on load; the embedded broker has none',
  errorMessage: 'prose, which no client of ours reads',
  batchIndexErrorMessage: 'prose, as errorMessage',
  host: 'where the broker runs',
  port: 'where the broker runs',
  clientHost: 'where the client runs',
  clusterId: 'by chance',
  configs:
    'a real broker lists what its own version and properties have; compared by name in the admin script',
  currentLeader: 'a hint that brokers add to some errors, and that no client of ours needs',
  nodeEndpoints: 'comes with the hint of currentLeader',
  transactionStartTimeMs: 'a time',
  lastTimestamp: 'a time',
  logAppendTimeMs: 'a time, where it is not -1',
  coordinatorEpoch: 'counts how often the coordinator of a real cluster has moved',
  leaderEpoch: 'counts how often the leader of a real cluster has moved',
  topicAuthorizedOperations: 'no authorizer',
  authorizedOperations: 'no authorizer',
  clusterAuthorizedOperations: 'no authorizer',
};

/** Lists whose order is that of a hash map in a real broker, or has those with an error first. */
const UNORDERED = new Set(['groups', 'results', 'partitions']);

/** The time of the scripts' records: near now, since a log begins a new segment where times are far apart. */
export const RECORD_TIME_MS = Date.now() - 60_000;

/** Ids by chance become names in the order of their first appearance. */
const IDS = new Set(['producerId', 'memberId', 'leader', 'topicId', 'nodeId', 'leaderId']);

export interface RecordSpec {
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly timestampMs?: number;
  readonly key?: string | null;
}

/** One run of a script on one broker: sends requests, and keeps every answer in a form that can be compared. */
export class FidelityRun {
  readonly transcript: string[] = [];
  /** What the embedded broker emulates, and the real one is. */
  readonly version: '3.9' | '4.3';
  readonly #address: string;
  readonly #channels: Channel[] = [];
  readonly #names = new Map<string, string>();
  readonly #realNames = new Map<string, string>();
  #main: Channel | null = null;

  constructor(address: string, version: '3.9' | '4.3') {
    this.#address = address;
    this.version = version;
  }

  get hasProtocol2(): boolean {
    return this.version !== '3.9';
  }

  /** A name that is new on the broker; the transcript has the short one. */
  name(short: string): string {
    const real = uniqueName(short);
    this.#realNames.set(real, short);
    return real;
  }

  /** A new cluster makes its coordinators' topics when somebody asks for them. */
  async awaitCoordinators(): Promise<void> {
    for (const keyType of [0, 1]) {
      await until('a coordinator', async () => {
        const { errorCode } = await this.ask(findCoordinator, 3, { key: 'any', keyType });
        return errorCode === 0;
      });
    }
  }

  /** A connection of its own, for a request that is parked. */
  async connect(): Promise<FidelityConnection> {
    const transport = new KafkaJsTransport({ clientId: 'fidelity' });
    const channel = await transport.connect(parseAddress(this.#address), 'admin');
    this.#channels.push(channel);
    return new FidelityConnection(this, channel);
  }

  /** Sends on the connection that all requests share, and notes the answer. */
  async send<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    const response = await this.ask(api, version, request);
    this.note(`${api.name} v${version}`, response);
    return response;
  }

  /** Sends until the answer is not `busy` any more, and notes the last one. */
  async settle<Req, Res>(
    api: Api<Req, Res>,
    version: number,
    request: Req,
    isBusy: (response: Res) => boolean,
  ): Promise<Res> {
    let response = await this.ask(api, version, request);
    await until(`${api.name} to settle`, async () => {
      if (!isBusy(response)) return true;
      response = await this.ask(api, version, request);
      return !isBusy(response);
    });
    this.note(`${api.name} v${version}`, response);
    return response;
  }

  /** Sends without noting. */
  async ask<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    this.#main ??= (await this.connect()).channel;
    return exchange(this.#main, api, version, request);
  }

  note(what: string, value: unknown): void {
    this.transcript.push(`${what}: ${JSON.stringify(this.#normalize('', value))}`);
  }

  async close(): Promise<void> {
    for (const channel of this.#channels) channel.close();
    await Promise.all(this.#channels.map((channel) => channel.closed));
  }

  #normalize(field: string, value: unknown): unknown {
    if (field in TOLERATED) return value === -1 ? -1 : undefined;
    if (field === 'timestamp' && Number(value) >= 0) {
      // A marker has the time of the broker's clock.
      return value === RECORD_TIME_MS ? 'of the record' : 'now';
    }
    if (field === 'records' && value instanceof Uint8Array) return describeBatches(value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
    if (Array.isArray(value)) {
      const elements = value.map((element) => this.#normalize(field, element));
      return UNORDERED.has(field) ? elements.sort(byJson) : elements;
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, this.#normalize(name, inner)]),
      );
    }
    if (IDS.has(field)) return this.#nameOf(field, value);
    return typeof value === 'string' ? (this.#realNames.get(value) ?? value) : value;
  }

  #nameOf(field: string, id: unknown): unknown {
    if (id === -1 || id === '' || /^0{32}$/.test(String(id))) return id;
    const kind = field === 'leader' ? 'memberId' : field === 'leaderId' ? 'nodeId' : field;
    const key = `${kind} ${String(id)}`;
    const count = [...this.#names.keys()].filter((known) => known.startsWith(`${kind} `)).length;
    const name = this.#names.get(key) ?? `${kind} ${count + 1}`;
    this.#names.set(key, name);
    return name;
  }
}

export class FidelityConnection {
  readonly channel: Channel;
  readonly #run: FidelityRun;

  constructor(run: FidelityRun, channel: Channel) {
    this.#run = run;
    this.channel = channel;
  }

  ask<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    return exchange(this.channel, api, version, request);
  }

  async send<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    const response = await this.ask(api, version, request);
    this.#run.note(`${api.name} v${version}`, response);
    return response;
  }
}

async function exchange<Req, Res>(
  channel: Channel,
  api: Api<Req, Res>,
  version: number,
  request: Req,
): Promise<Res> {
  const writer = new Writer();
  api.writeRequest(writer, version, request);
  const body = await channel.send(api.key, version, writer.finish(), { timeoutMs: 30_000 });
  return api.readResponse(new Reader(body), version);
}

function byJson(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** One batch with a record for each value. */
export async function batchOf(
  values: readonly string[],
  spec: RecordSpec = {},
): Promise<Uint8Array> {
  const { timestampMs = RECORD_TIME_MS, key = 'key', ...producer } = spec;
  const writer = new RecordBatchWriter({ batchBytes: 1 << 16, crc32c: await loadCrc32c() });
  for (const value of values) {
    writer.append(key === null ? null : Buffer.from(key), Buffer.from(value), timestampMs);
  }
  return writer.finish({
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    isTransactional: false,
    ...producer,
  });
}

function describeBatches(records: Uint8Array): string[] {
  const noCrc = (bytes: Uint8Array, start: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(start - 4);
  const cursor = new RecordCursor({
    codecs: nodeCodecs(),
    maxDecompressedBytes: 1 << 20,
    site: {},
  });
  const batches: string[] = [];
  let at = 0;
  for (;;) {
    const batch = readRecordBatch(records, at, { crc32c: noCrc, site: {} });
    if (batch === null) break;
    at = batch.end;
    cursor.open(batch);
    const values: string[] = [];
    while (cursor.next()) {
      const value = Buffer.from(cursor.bytes.slice(cursor.valueStart, cursor.valueEnd));
      const marker = Buffer.from(cursor.bytes.slice(cursor.keyStart, cursor.keyEnd));
      const text = batch.isControl ? marker.toString('hex') : value.toString();
      values.push(`${cursor.offset}=${text}`);
    }
    const kind = batch.isControl ? 'control' : batch.isTransactional ? 'transactional' : 'plain';
    const span = `${batch.baseOffset}-${batch.lastOffset}`;
    batches.push(`${span} ${kind} e${batch.producerEpoch} s${batch.baseSequence} ${values.join()}`);
  }
  if (at < records.length) batches.push(`${records.length - at} bytes of another`);
  return batches;
}

/** Runs the script on the shared broker and on an embedded one that emulates its version; every answer must be the same. */
export async function expectFidelity(script: (run: FidelityRun) => Promise<void>): Promise<void> {
  const [address = ''] = sharedBrokers();
  const version = await versionOf(address);
  await using embedded = await EmbeddedBroker.start({ version });
  const real = await transcriptOf(script, address, version);
  const ours = await transcriptOf(script, embedded.brokers[0] ?? '', version);
  expect(ours).toEqual(real);
}

async function transcriptOf(
  script: (run: FidelityRun) => Promise<void>,
  address: string,
  version: '3.9' | '4.3',
): Promise<readonly string[]> {
  const run = new FidelityRun(address, version);
  try {
    await run.awaitCoordinators();
    await script(run);
  } finally {
    await run.close();
  }
  return run.transcript;
}

async function versionOf(address: string): Promise<'3.9' | '4.3'> {
  const run = new FidelityRun(address, '4.3');
  const software = { clientSoftwareName: 'fidelity', clientSoftwareVersion: '1' };
  const { finalizedFeatures } = await run.ask(apiVersions, 3, software);
  await run.close();
  const level = finalizedFeatures.find(({ name }) => name === 'transaction.version');
  return (level?.maxVersionLevel ?? 0) >= 2 ? '4.3' : '3.9';
}
