import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka, type KafkaBroker, type StartKafkaOptions } from 'millrace/testing';
import { arrivalOrder } from './arrivals.ts';
import { Cluster, PARTITIONS } from './cluster.ts';
import { runAndCrash, type Crash } from './crashing-run.ts';
import { readAirports, readFlights, type AirportRow, type Flights } from './data.ts';
import { expectedDays, type Expectation } from './expected.ts';
import { finalValues } from './final-values.ts';
import { judge } from './judge.ts';
import { loadAirports, loadFlights, partitionOf } from './load.ts';
import { ProgressBar, whole } from './progress.ts';
import { report } from './report.ts';
import { runStrict } from './strict-run.ts';
import type { AirportDay } from './topology.ts';

const HOUR_MS = 3_600_000;
const ALL_FLIGHTS = 3_000_000;
const LEAST_FLIGHTS = 50_000;
/** One flight in twenty is reported up to six hours late; the same ones in every run. */
const DISPLACEMENT = { share: 0.05, maxDelayMs: 6 * HOUR_MS, seed: 2001 };
const GRACE_HOURS = 6;
const STRICT_GRACE_HOURS = 1;
const STRICT_FLIGHTS = 200_000;

interface Demo {
  readonly broker: KafkaBroker;
  readonly cluster: Cluster;
  readonly airports: readonly AirportRow[];
  /** Before all names on the cluster. */
  readonly prefix: string;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** `embedded`, or a version; by default the newest, from wherever a broker is to be had. */
function kafkaOptions(kafka: string | undefined): StartKafkaOptions {
  if (kafka === undefined) return {};
  return kafka === 'embedded' ? { source: 'embedded' } : { version: kafka };
}

/** The whole demo. True if every value is as it must be. */
async function run(
  flightCount: number,
  kafka: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'flight-delays-'));
  try {
    const reading = Promise.all([readFlights(flightCount), readAirports()]);
    await using broker = await startKafka({
      ...kafkaOptions(kafka),
      mayEmbed: true,
      toolTimeoutMs: 120_000,
      signal,
      onProgress: (message) => {
        console.log(`  ${message}`);
      },
    });
    console.log(
      broker.source === 'embedded'
        ? `No Kafka here: Millrace's own embedded broker at ${broker.brokers.join(', ')}, in this process and in memory. ` +
            'It answers as Kafka does, but what it proves, it proves without Kafka. With Docker or Java the demo uses a real one.'
        : `Kafka ${broker.version} (${broker.source}) at ${broker.brokers.join(', ')}`,
    );
    const [flights, airports] = await reading;
    await using cluster = await Cluster.connect(broker.brokers);
    // A cluster of somebody else's may have topics of these names.
    const prefix = broker.source === 'environment' ? `demo-${randomUUID().slice(0, 8)}-` : '';
    const demo: Demo = { broker, cluster, airports, prefix, folder, signal };
    try {
      const verdicts = [await mainRun(demo, flights), await strictRun(demo, flights)];
      console.log();
      // The proof that matters most comes last.
      for (const { line } of verdicts.toReversed()) console.log(line);
      return verdicts.every(({ proved }) => proved);
    } finally {
      if (prefix !== '') await cluster.deleteTopicsOf(prefix);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Loads everything, runs the application in a process of its own, kills it twice, and judges the result. */
async function mainRun(demo: Demo, flights: Flights): Promise<Outcome> {
  const { broker, cluster, prefix, folder, signal } = demo;
  const order = arrivalOrder(flights, DISPLACEMENT);
  await load(demo, prefix, flights, order);

  console.log('\nRunning the application in its own process, and killing it twice');
  const startedMs = performance.now();
  const crashes = await runAndCrash({
    cluster,
    group: `${prefix}flight-delays`,
    input: `${prefix}flights`,
    output: `${prefix}airport-days`,
    total: flights.count,
    env: {
      BROKERS: broker.brokers.join(','),
      STATE_DIR: path.join(folder, 'state'),
      PREFIX: prefix,
    },
    signal,
  });
  const seconds = (performance.now() - startedMs) / 1000;
  for (const line of crashes.map(describe)) console.log(line);
  console.log(
    `${whole(flights.count)} flights in ${seconds.toFixed(1)} s, the crashes included: ${whole(flights.count / seconds)} a second`,
  );

  const actual = await finalValues(broker, cluster, `${prefix}airport-days`, signal);
  console.log(`\n${report(actual)}`);
  const expected = expectation(demo, flights, order, GRACE_HOURS);
  return outcome('PROOF', expected, actual, flights.count);
}

function describe({ afterFlights, insideTransaction, backMs }: Crash): string {
  const where = insideTransaction ? 'inside a transaction' : 'at a moment like any other';
  return `kill -9 after ${whole(afterFlights)} flights, ${where}: back from its own disk, first new result committed after ${(backMs / 1000).toFixed(2)} s`;
}

/** Fewer flights and too little grace: exactly the flights that came too late must be missing. */
async function strictRun(demo: Demo, flights: Flights): Promise<Outcome> {
  const { broker, cluster, folder, signal } = demo;
  const count = Math.min(flights.count, STRICT_FLIGHTS);
  const prefix = `${demo.prefix}strict-`;
  const part: Flights = { ...flights, count };
  const order = arrivalOrder(part, DISPLACEMENT);
  console.log(`\nAgain with ${STRICT_GRACE_HOURS} h of grace, which is too little`);
  await load(demo, prefix, part, order);
  const dropped = await runStrict({
    cluster,
    brokers: broker.brokers,
    prefix,
    grace: `${STRICT_GRACE_HOURS}h`,
    total: count,
    stateDir: path.join(folder, 'strict-state'),
    signal,
  });
  const expected = expectation(demo, part, order, STRICT_GRACE_HOURS);
  const actual = await finalValues(broker, cluster, `${prefix}airport-days`, signal);
  console.log(
    `the application says that it dropped ${whole(dropped)} flights; by direct computation ${whole(expected.dropped)} came too late`,
  );
  const { line, proved } = outcome('TOO LITTLE GRACE', expected, actual, count);
  return { line, proved: proved && dropped === expected.dropped };
}

async function load(
  { cluster, airports, signal }: Demo,
  prefix: string,
  flights: Flights,
  order: Uint32Array,
): Promise<void> {
  const topic = `${prefix}flights`;
  await cluster.createTopics(topic, `${prefix}airports`, `${prefix}airport-days`);
  const producer = await cluster.producer();
  try {
    const target = { producer, partitions: PARTITIONS, signal };
    await loadAirports(airports, { ...target, topic: `${prefix}airports` });
    const bar = new ProgressBar(`loaded ${topic}`, flights.count);
    const onProgress = (written: number): void => {
      bar.update(written);
    };
    await loadFlights(flights, order, { ...target, topic, onProgress });
    bar.finish();
  } finally {
    await producer.close();
  }
}

function expectation(
  { airports }: Demo,
  flights: Flights,
  order: Uint32Array,
  graceHours: number,
): Expectation {
  return expectedDays({
    flights,
    airports,
    order,
    partitionOf: (origin) => partitionOf(origin, PARTITIONS),
    partitions: PARTITIONS,
    graceMs: graceHours * HOUR_MS,
  });
}

interface Outcome {
  readonly line: string;
  readonly proved: boolean;
}

/** Compares every value; proved if all are equal and every flight was counted once or dropped. */
function outcome(
  label: string,
  expected: Expectation,
  actual: ReadonlyMap<string, AirportDay>,
  flightCount: number,
): Outcome {
  const { equal, total, differences } = judge(expected.days, actual);
  for (const difference of differences) console.log(`  ${difference}`);
  const counted = [...actual.values()].reduce((sum, { flights }) => sum + flights, 0);
  const complete = counted + expected.dropped === flightCount;
  const days = `${whole(equal)} of ${whole(total)} airport-days equal`;
  const sums = `${whole(counted)} flights counted + ${whole(expected.dropped)} too late = ${whole(flightCount)}`;
  return {
    line: `${label}: ${days}, ${sums}${complete ? '' : ' (WRONG)'}`,
    proved: equal === total && total > 0 && complete,
  };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      flights: { type: 'string', default: String(ALL_FLIGHTS) },
      kafka: { type: 'string' },
    },
  });
  const flights = Number(values.flights);
  if (!Number.isInteger(flights) || flights < LEAST_FLIGHTS || flights > ALL_FLIGHTS) {
    console.error(`--flights takes a number from ${LEAST_FLIGHTS} to ${ALL_FLIGHTS}`);
    return 2;
  }
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      abort.abort();
    });
  }
  try {
    return (await run(flights, values.kafka, abort.signal)) ? 0 : 1;
  } catch (error) {
    console.error(abort.signal.aborted ? '\ninterrupted' : error);
    return abort.signal.aborted ? 130 : 1;
  }
}

process.exitCode = await main();
