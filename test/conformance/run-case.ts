import { TopologyTestDriver, type TestOutputTopic } from '../../src/testing.ts';
import type { Headers } from '../../src/common/record.ts';
import { Windowed } from '../../src/common/windowed.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { buildCase, type BuiltCase } from './build-case.ts';
import { serdesOf, type Datum, type Shape } from './built.ts';
import type { Case, CaseRecord } from './case.ts';
import { firstDifference, type ActualRecord } from './compare.ts';

export type Storage = 'LevelDB' | 'memory';
export const STORAGES: readonly Storage[] = ['LevelDB', 'memory'];

/** Of each topic that the case writes, what it got. */
type Outputs = ReadonlyMap<string, ActualRecord[]>;

/** Why a case fails with stores of this kind, in one line; null where it passes. */
export async function runCase(subject: Case, storage: Storage): Promise<string | null> {
  try {
    const built = buildCase(subject);
    await using folder = storage === 'LevelDB' ? await tempFolder() : null;
    return await drive(subject, built, folder?.path ?? null);
  } catch (error) {
    return messageOf(error);
  }
}

async function drive(
  subject: Case,
  { topology, topics }: BuiltCase,
  stateDir: string | null,
): Promise<string | null> {
  const { cache, wallClockStartMs = 0, emitIntervalMs = 0 } = subject.config;
  await using driver = await TopologyTestDriver.create(topology, {
    config: { emitIntervalMs, ...(cache === 'off' ? { statestoreCacheMaxBytes: 0 } : {}) },
    startWallClockMs: wallClockStartMs,
    ...(stateDir === null ? {} : { stateDir }),
  });
  const outputs = new Map<string, ActualRecord[]>();
  const readers = new Map<string, TestOutputTopic<Datum, Datum>>();
  for (const node of subject.topology) {
    if (node.op !== 'to') continue;
    outputs.set(node.topic, []);
    readers.set(
      node.topic,
      driver.createOutputTopic(node.topic, serdesOf(shapeOf(topics, node.topic))),
    );
  }
  const failure = await feed(driver, subject, topics, (after) => {
    for (const [topic, reader] of readers) {
      for (const record of reader.readRecords()) {
        const { key, value, timestampMs } = record;
        const headers = readHeaders(record.headers);
        outputs.get(topic)?.push({ key, value, timestampMs, headers, after });
      }
    }
  });
  if (failure !== null && subject.expectedException === undefined) return messageOf(failure);
  if (failure === null && subject.expectedException !== undefined) {
    return `nothing failed, expected: ${subject.expectedException}`;
  }
  return compare(subject, outputs);
}

/** Feeds the inputs one by one; what stops it is the result, so that what came out before can be compared. */
async function feed(
  driver: TopologyTestDriver,
  { inputs }: Case,
  topics: ReadonlyMap<string, Shape>,
  collect: (after: number) => void,
): Promise<unknown> {
  for (const [index, input] of inputs.entries()) {
    try {
      if (input.advanceWallClockMs === undefined) {
        const shape = shapeOf(topics, input.topic);
        const { topic, value, timestamp: timestampMs, headers = [] } = input;
        await driver.createInputTopic(topic, serdesOf(shape)).pipe({
          key: inputKey(input),
          value: value as Datum, // a topic can hold nulls, whatever its type says
          timestampMs,
          headers: headers.map(([name, text]) => [name, Buffer.from(text)]),
        });
      } else {
        await driver.advanceWallClock(input.advanceWallClockMs);
      }
    } catch (failure) {
      collect(index);
      return failure;
    }
    collect(index);
  }
  return null;
}

function compare({ expected, topology }: Case, outputs: Outputs): string | null {
  // What a case writes and reads again it need not expect.
  const read = new Set(
    topology.flatMap((node) => ('topic' in node && node.op !== 'to' ? [node.topic] : [])),
  );
  for (const topic of new Set([...Object.keys(expected), ...outputs.keys()])) {
    const wanted = expected[topic];
    if (wanted === undefined && read.has(topic)) continue;
    const difference = firstDifference(topic, wanted ?? [], outputs.get(topic) ?? []);
    if (difference !== null) return difference;
  }
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function shapeOf(topics: ReadonlyMap<string, Shape>, topic: string): Shape {
  const shape = topics.get(topic);
  if (shape === undefined) throw new Error(`no node of the case reads or writes '${topic}'`);
  return shape;
}

function inputKey({ key, window }: CaseRecord): Datum {
  if (window === undefined) return key as Datum; // may be null, as the value
  return new Windowed(key, window.start, window.end ?? Number.MAX_SAFE_INTEGER);
}

function readHeaders(headers: Headers): (readonly [string, string])[] {
  return headers.map(([name, bytes]) => [name, Buffer.from(bytes ?? []).toString()]);
}
