import type { Serdes } from '../../src/serde/serde.ts';
import { serdes } from '../../src/serde/serdes.ts';
import {
  TopologyTestDriver,
  type TopologyTestDriverOptions,
} from '../../src/testing/topology-test-driver.ts';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';

export const STRINGS: Serdes<string, string> = { key: serdes.string, value: serdes.string };

export interface Run {
  /** `key=value@ms` of each record of the topic `out`, null where there is none. */
  readonly out: readonly string[];
  /** Records dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/**
 * Builds a topology and feeds it `topic key=value@ms` records (no key: `-`, a null value: `-`) in order.
 *
 *     runTopology((b) => b.stream('in', STRINGS).to('out'), ['in a=1@5'])
 */
export async function runTopology<K = string, V = string>(
  describe: (builder: StreamsBuilder) => void,
  records: readonly string[],
  options: TopologyTestDriverOptions & { readonly out?: Serdes<K, V> } = {},
): Promise<Run> {
  const builder = new StreamsBuilder();
  describe(builder);
  await using driver = await TopologyTestDriver.create(builder.build(), options);
  for (const text of records) {
    const [, topic = '', key = '', value = '', ms = '0'] =
      /^(\S+) (\S+)=([^@]*)@?(\d+)?$/.exec(text) ?? [];
    const input = driver.createInputTopic(topic, STRINGS);
    // A topic can hold nulls, whatever its type says.
    await input.pipe({
      key: orNull(key) as string,
      value: orNull(value) as string,
      timestampMs: Number(ms),
    });
  }
  const out =
    options.out === undefined
      ? driver.createOutputTopic('out', STRINGS)
      : driver.createOutputTopic('out', options.out);
  const reasons = [
    'null-key',
    'null-value',
    'null-join-key',
    'stale-response',
    'out-of-order',
    'late',
    'expired-window',
  ];
  const counts = reasons.map(
    (reason) => [reason, driver.counter('dropped-records-total', { reason })] as const,
  );
  return {
    out: out
      .readRecords()
      .map(({ key, value, timestampMs }) => `${show(key)}=${show(value)}@${timestampMs}`),
    dropped: Object.fromEntries(counts.filter(([, count]) => count > 0)),
  };
}

function orNull(text: string): string | null {
  return text === '-' ? null : text;
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
