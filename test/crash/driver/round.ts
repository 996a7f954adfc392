import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { KafkaBroker } from '../../../src/testing.ts';
import type { ShopTopics } from '../app/shop.ts';
import type { Case } from '../judge/case.ts';
import { until } from '../../support/until.ts';
import { Chance } from './chance.ts';
import { noCounts, type Counts } from './counts.ts';
import { planFaults, type Fault, type Profile } from './faults.ts';
import { runDump } from './java.ts';
import { INPUT_PARTITIONS, Load } from './load.ts';
import { Slot, type SlotOptions } from './slot.ts';

export interface RoundOptions {
  readonly broker: KafkaBroker;
  readonly seed: number;
  readonly profile: Profile;
  /** New and empty; it stays, with the logs of every process. */
  readonly folder: string;
  readonly onProgress: (message: string) => void;
}

export interface RoundResult {
  readonly counts: Counts;
  readonly findings: readonly string[];
}

const INSTANCES = 3;
/** So many of them suffer at a time. */
const SUFFERING = 2;
const SESSION_TIMEOUT_MS = 3_000;
const OUTAGE_MS = 500;
/** Behind a broker's start, until its partitions have leaders and what hangs shows. */
const LEADERS_MS = 4_000;
const DRAIN_DEADLINE_MS = 90_000;
const JUDGE = join(process.cwd(), 'test/crash/judge/main.ts');

/**
 * One round of the crash test: a new application on a new set of topics, worked by three processes under load, while they
 * are killed and paused and the broker is killed; then all is drained, one more instance is restored from nothing, and the
 * judge has its say. Throws only where the round could not be carried out.
 */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { broker, seed, profile, folder, onProgress } = options;
  const chance = new Chance(seed);
  const counts = noCounts();
  const findings: string[] = [];
  const onFinding = (finding: string): void => {
    onProgress(`finding: ${finding}`);
    findings.push(finding);
  };
  const applicationId = `shop-${seed}`;
  const topics = await createTopics(broker, applicationId);
  const place = (name: string): SlotOptions => ({
    name,
    app: appOptions(broker, applicationId, topics, join(folder, name), name),
    logFolder: folder,
    folder: join(folder, name, applicationId),
    pauseMs: SESSION_TIMEOUT_MS + 2_000,
    chance,
    counts,
    onFinding,
  });
  const names = Array.from({ length: INSTANCES }, (_, number) => `instance-${number}`);
  for (const name of [...names, 'fresh']) await mkdir(join(folder, name));

  const load = new Load(broker.brokers, topics.entries, chance);
  const slots = names.map((name) => new Slot(place(name)));
  const all = [...slots];
  try {
    for (const slot of slots) await slot.untilRunning();
    onProgress('all instances run');
    const parts = planFaults(profile, chance);
    for (const [index, part] of parts.entries()) {
      await sufferAll(slots, part, chance, onProgress);
      if (index < parts.length - 1) await restartBroker(options, topics, counts);
    }
    await load.stop();
    onProgress(`drains ${load.acked.length} entries`);
    await drain(options, applicationId, topics, counts);
    for (const slot of slots) await slot.stop();

    onProgress('restores from nothing');
    const fresh = new Slot(place('fresh'));
    all.push(fresh);
    await fresh.untilRunning();
    await fresh.stop();

    await judge(options, { applicationId, topics, slots, fresh, load }, counts, onFinding);
  } finally {
    await load.stop().catch(() => undefined);
    for (const slot of all) await slot.end();
  }
  counts.rounds = 1;
  counts.findings = findings.length;
  return { counts, findings };
}

function appOptions(
  { brokers }: KafkaBroker,
  applicationId: string,
  topics: ShopTopics,
  stateDir: string,
  name: string,
): SlotOptions['app'] {
  return {
    topics,
    config: {
      applicationId,
      brokers: [...brokers],
      processingGuarantee: 'exactly_once_v2',
      stateDir,
      commitIntervalMs: 100,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: 500,
      transactionTimeoutMs: 10_000,
      requestTimeoutMs: 10_000,
      // The judge reads the repartition topic from its beginning.
      repartitionPurgeIntervalMs: '1d',
      // One of the instances comes back as who it was.
      ...(name === 'instance-0' ? { groupInstanceId: name } : {}),
    },
  };
}

async function createTopics(broker: KafkaBroker, prefix: string): Promise<ShopTopics> {
  const topics = {
    entries: `${prefix}.entries`,
    priced: `${prefix}.priced`,
    totals: `${prefix}.totals`,
    windows: `${prefix}.windows`,
    ticks: `${prefix}.ticks`,
    dead: `${prefix}.dead`,
  };
  await withAdmin(broker, async (admin) => {
    const numPartitions = { entries: INPUT_PARTITIONS, ticks: 1, dead: 1 };
    const request = {
      topics: Object.entries(topics).map(([name, topic]) => ({
        topic,
        numPartitions: { priced: 2, totals: 2, windows: 2, ...numPartitions }[name] ?? 1,
      })),
      waitForLeaders: false,
    };
    await until(
      'topics',
      () =>
        admin.createTopics(request).then(
          () => true,
          () => false,
        ),
      30_000,
    );
    await until(
      'leaders',
      async () => {
        const found = await admin
          .fetchTopicMetadata({ topics: [...namesOf(topics)] })
          .catch(() => null);
        const partitions = found?.topics.flatMap((topic) => topic.partitions) ?? [];
        return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
      },
      30_000,
    );
  });
  return topics;
}

/** Two at a time; what was not reached comes again. */
async function sufferAll(
  slots: readonly Slot[],
  faults: readonly Fault[],
  chance: Chance,
  onProgress: (message: string) => void,
): Promise<void> {
  const left = [...faults];
  const free = new Set(slots);
  const worker = async (): Promise<void> => {
    for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
      const slot = [...free][chance.below(free.size)];
      if (slot === undefined) return;
      free.delete(slot);
      onProgress(`${fault.kind} ${fault.kind === 'failpoint' ? fault.point : ''}`);
      const again = await slot.suffer(fault);
      if (again !== null) left.push(again);
      free.add(slot);
    }
  };
  await Promise.all(Array.from({ length: SUFFERING }, worker));
}

async function restartBroker(
  options: RoundOptions,
  topics: ShopTopics,
  counts: Counts,
): Promise<void> {
  const { broker, onProgress } = options;
  onProgress('broker restart');
  await broker.kill();
  await delay(OUTAGE_MS);
  await broker.start();
  counts.brokerRestarts++;
  await delay(LEADERS_MS);
  await endHanging(options, topics, counts);
}

/** What a user does about Kafka's own mistake: see docs/reliability.md, "A transaction that hangs". */
async function endHanging(
  { broker, folder, onProgress }: RoundOptions,
  topics: ShopTopics,
  counts: Counts,
): Promise<void> {
  const file = join(folder, 'hanging.txt');
  const ours = [...namesOf(topics), ...(await internalTopics(broker, topics))];
  await runDump(broker.version, file, 'abort-hanging', broker.brokers.join(','), ...ours);
  const aborted = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  for (const line of aborted) onProgress(`ended a transaction that Kafka forgot: ${line}`);
  counts.hangingTransactions += aborted.length;
}

/** Until everything is processed and committed. */
async function drain(
  options: RoundOptions,
  applicationId: string,
  topics: ShopTopics,
  counts: Counts,
): Promise<void> {
  const { broker } = options;
  const inputs = [topics.entries, `${applicationId}-by-item-repartition`];
  const isDone = (): Promise<boolean> =>
    withAdmin(broker, async (admin) => {
      const committed = await admin.fetchOffsets({ groupId: applicationId, topics: inputs });
      for (const { topic, partitions } of committed) {
        const ends = await admin.fetchTopicOffsets(topic);
        const isThere = ends.every(
          ({ partition, high }) =>
            partitions.find((known) => known.partition === partition)?.offset === high ||
            high === '0',
        );
        if (!isThere) return false;
      }
      return true;
    }).catch(() => false);
  try {
    await until('everything to be processed', isDone, DRAIN_DEADLINE_MS);
  } catch {
    await endHanging(options, topics, counts);
    await until('everything to be processed', isDone, DRAIN_DEADLINE_MS);
  }
}

async function judge(
  { broker, folder, onProgress }: RoundOptions,
  run: {
    readonly applicationId: string;
    readonly topics: ShopTopics;
    readonly slots: readonly Slot[];
    readonly fresh: Slot;
    readonly load: Load;
  },
  counts: Counts,
  onFinding: (finding: string) => void,
): Promise<void> {
  const { applicationId, topics, slots, fresh, load } = run;
  const ours: Case = {
    applicationId,
    topics,
    dumpFile: join(folder, 'dump.txt'),
    ackedFile: join(folder, 'acked.txt'),
    folders: slots.map((slot) => slot.folder),
    freshFolder: fresh.folder,
  };
  onProgress('is read by Java');
  const read = [...namesOf(topics), ...(await internalTopics(broker, topics))];
  await runDump(
    broker.version,
    ours.dumpFile,
    'dump',
    broker.brokers.join(','),
    applicationId,
    ...read,
  );
  await writeFile(ours.ackedFile, load.acked.join('\n'));
  const caseFile = join(folder, 'case.json');
  await writeFile(caseFile, JSON.stringify(ours, null, 2));
  const verdict = await runJudge(caseFile);
  for (const line of verdict.split('\n')) {
    if (line.startsWith('FINDING ')) onFinding(line.slice(8));
    if (!line.startsWith('JUDGED ')) continue;
    const judged = JSON.parse(line.slice(7)) as {
      input: number;
      compared: number;
      refused: number;
    };
    onProgress(`judged: ${line.slice(7)}`);
    counts.inputRecords += judged.input;
    counts.comparisons += judged.compared;
  }
}

function runJudge(caseFile: string): Promise<string> {
  const args = ['--import', 'tsx', JUDGE, caseFile];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      // A verdict comes with exit code 1; anything else is a judge that fell over.
      if (stdout.includes('JUDGED ')) resolve(stdout);
      else reject(new Error(`the judge failed: ${error?.message ?? ''} ${stderr}`));
    });
  });
}

function namesOf(topics: ShopTopics): readonly string[] {
  return Object.values<string>({ ...topics });
}

/** Those that the application has made: its id is the prefix of them all. */
async function internalTopics(
  broker: KafkaBroker,
  { entries }: ShopTopics,
): Promise<readonly string[]> {
  const prefix = entries.replace(/\.entries$/, '-');
  const named: readonly string[] = await withAdmin(broker, (admin) => admin.listTopics());
  return named.filter((topic) => topic.startsWith(prefix));
}

async function withAdmin<T>(
  { brokers }: KafkaBroker,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
