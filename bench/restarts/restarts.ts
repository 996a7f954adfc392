import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../session.ts';
import { Instance } from './instance.ts';
import type { Names } from './start.ts';
import { Traffic } from './traffic.ts';

/** Seconds; each figure of `restarts` is a list of them, one a repetition. */
export interface RestartFigures {
  /** `start()` to RUNNING, the internal topics to be made; and with them there and nothing to restore. */
  readonly firstStartToRunning: number[];
  readonly startToRunning: number[];
  /** From the start of the next process to the first output that it committed. */
  readonly cleanStopToFirstOutput: number[];
  readonly killToFirstOutput: number[];
  /** Two instances, one killed: the longest silence of a partition. */
  readonly takeover: number[];
  /** What was counted, and found exact, over all repetitions. */
  records: number;
}

const SESSION_TIMEOUT_MS = 3_000;
const TRANSACTION_TIMEOUT_MS = 3_000;
/** How long each instance works before something happens to it. */
const WORK_MS = 1_500;
/** How long output that was committed before a kill may take to the reader. */
const IN_FLIGHT_MS = 300;

/**
 * What a restart costs, on a broker with load: an application with one store, killed and stopped, its counts compared
 * with what was sent.
 */
export async function measureRestarts(session: Session, runs: number): Promise<RestartFigures> {
  const figures: RestartFigures = {
    firstStartToRunning: [],
    startToRunning: [],
    cleanStopToFirstOutput: [],
    killToFirstOutput: [],
    takeover: [],
    records: 0,
  };
  for (let run = 0; run < runs; run++) {
    await alone(session, figures);
    await twoOfThem(session, figures);
  }
  return figures;
}

/** A static member, stopped and killed, back on its own disk. */
async function alone(session: Session, figures: RestartFigures): Promise<void> {
  await withApplication(session, async ({ traffic, start }) => {
    let instance = start('one', 'instance-1');
    figures.firstStartToRunning.push(seconds(await instance.startToRunningMs));
    await traffic.outputAfter(instance.startedMs, 'every');
    await sleep(WORK_MS);

    await instance.stop();
    instance = start('one', 'instance-1');
    figures.cleanStopToFirstOutput.push(
      seconds((await traffic.outputAfter(instance.startedMs, 'any')) - instance.startedMs),
    );
    figures.startToRunning.push(seconds(await instance.startToRunningMs));
    await sleep(WORK_MS);

    await instance.kill();
    // What was committed before, and has not been read yet, is no output of the next process.
    await sleep(IN_FLIGHT_MS);
    instance = start('one', 'instance-1');
    figures.killToFirstOutput.push(
      seconds((await traffic.outputAfter(instance.startedMs, 'any')) - instance.startedMs),
    );
    figures.startToRunning.push(seconds(await instance.startToRunningMs));
    figures.records += await traffic.settle();
    await instance.stop();
  });
}

/** Two dynamic members under load, one of them killed: the other takes over what it had. */
async function twoOfThem(session: Session, figures: RestartFigures): Promise<void> {
  await withApplication(session, async ({ traffic, start }) => {
    const first = start('one', null);
    await first.startToRunningMs;
    const second = start('two', null);
    await second.startToRunningMs;
    await traffic.outputAfter(performance.now(), 'every');
    await sleep(WORK_MS);

    traffic.resetGap();
    const killedMs = performance.now();
    await first.kill();
    await traffic.outputAfter(killedMs + SESSION_TIMEOUT_MS / 2, 'every');
    figures.takeover.push(seconds(traffic.longestGapMs));
    figures.records += await traffic.settle();
    await second.stop();
  });
}

interface Application {
  readonly traffic: Traffic;
  readonly start: (folder: string, instanceId: string | null) => Instance;
}

async function withApplication(
  { cluster, broker }: Session,
  use: (application: Application) => Promise<void>,
): Promise<void> {
  const application = `restarts-${randomBytes(4).toString('hex')}`;
  const names: Names = {
    application,
    input: `${application}-in`,
    output: `${application}-out`,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-restarts-'));
  const instances: Instance[] = [];
  await cluster.createTopic(names.input);
  await cluster.createTopic(names.output);
  try {
    await using traffic = await Traffic.start(cluster, names.input, names.output);
    const start = (name: string, instanceId: string | null): Instance => {
      const stateDir = path.join(folder, name);
      const instance = new Instance({ names, brokers: broker.brokers, stateDir, instanceId });
      instances.push(instance);
      return instance;
    };
    await use({ traffic, start });
  } finally {
    await Promise.all(instances.map((instance) => instance.kill()));
    await cluster.deleteTopics((name) => name.startsWith(application));
    await rm(folder, { recursive: true, force: true });
  }
}

const seconds = (ms: number): number => Number((ms / 1000).toFixed(2));
