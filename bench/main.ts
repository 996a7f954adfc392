/**
 * The benchmark; see README.md.
 *
 *     npm run bench -- <workload>... [--guarantee alo|eos] [--cache bytes] [--scale x] [--threads n] [--brokers host:port]
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { isWorkload, type Workload } from './data/workloads.ts';
import { expectResult, generate, isGenerated } from './generate.ts';
import { runOurs } from './run-ours.ts';
import { openSession, type Session } from './session.ts';

const DEFAULT_TIMEOUT_SECONDS = '1800';

async function main(signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      guarantee: { type: 'string', default: 'alo' },
      cache: { type: 'string', default: '0' },
      scale: { type: 'string', default: '0.02' },
      threads: { type: 'string', default: '1' },
      reps: { type: 'string', default: '1' },
      brokers: { type: 'string' },
      'app-id': { type: 'string' },
      'state-dir': { type: 'string' },
      profile: { type: 'string' },
      timeout: { type: 'string', default: DEFAULT_TIMEOUT_SECONDS },
    },
  });
  await using session = await openSession({
    brokers: values.brokers,
    signal,
    onProgress: (message) => {
      console.error(message);
    },
  });
  for (const workload of positionals.map(workloadOf)) {
    await prepare(session, workload, Number(values.scale));
    for (const guarantee of values.guarantee.split(',').map(guaranteeOf)) {
      for (let rep = 0; rep < Number(values.reps); rep++) {
        const line = await runOurs(session, {
          workload,
          guarantee,
          cacheBytes: Number(values.cache),
          threads: Number(values.threads),
          applicationId: values['app-id'] ?? newApplicationId(workload),
          ...(values['state-dir'] === undefined ? {} : { stateDir: values['state-dir'] }),
          timeoutMs: Number(values.timeout) * 1000,
          ...(values.profile === undefined ? {} : { profileFolder: values.profile }),
        });
        console.log(JSON.stringify(line));
      }
    }
  }
}

/** Writes the input if it is not there, prints what a correct run gives, and so reads all of it once. */
async function prepare(session: Session, workload: Workload, scale: number): Promise<void> {
  const { cluster } = session;
  if (!(await isGenerated(cluster, workload, scale))) await generate(cluster, workload, scale);
  const expected = await expectResult(cluster, workload);
  console.log(JSON.stringify({ expect: workload, scale, ...expected }));
}

function newApplicationId(workload: Workload): string {
  return `bench-${workload.toLowerCase()}-${randomBytes(4).toString('hex')}`;
}

function workloadOf(text: string): Workload {
  if (isWorkload(text)) return text;
  throw new Error(`there is no workload ${text}`);
}

function guaranteeOf(text: string): 'alo' | 'eos' {
  if (text === 'alo' || text === 'eos') return text;
  throw new Error(`--guarantee takes alo or eos, not ${text}`);
}

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    abort.abort(new Error('interrupted'));
  });
}
main(abort.signal).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
