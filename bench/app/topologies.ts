import { serdes, Stores, StreamsBuilder, TimeWindows, type Serde, type Topology } from 'millrace';
import { readInt32 } from '../../src/common/bytes.ts';
import { modulo64 } from '../data/word64.ts';
import {
  GROUP_SIZE,
  inputTopic,
  liveTopic,
  outputTopic,
  PARTITIONS,
  ROUTED_RULES,
  RULES,
  WINDOW_MS,
  type Workload,
} from '../data/workloads.ts';
import type { Probe } from './probe.ts';
import {
  NO_RECORDS,
  NO_STATS,
  reading,
  row,
  ruleJson,
  ruleState,
  shuffleJson,
  stats,
  statsResult,
  update,
  type Row,
  type RuleJson,
  type RuleState,
  type Shuffle,
  type Update,
} from './serdes.ts';

/** Data only: it crosses to worker threads. */
export interface TopologyQuery {
  readonly applicationId: string;
  /** Processor stores ask for caching by themselves; those of the DSL follow the configuration. */
  readonly cached: boolean;
  /** W6: reads the live topic only. */
  readonly liveOnly: boolean;
}

export interface AppOptions extends TopologyQuery {
  /** Counts the input. */
  readonly probe: Probe;
}

/** The measured applications: the same as on the side of Kafka Streams, operator by operator. */
export function topologyOf(workload: Workload, options: AppOptions): Topology {
  const builder = new StreamsBuilder();
  switch (workload) {
    case 'W0':
      passThrough(builder, options);
      break;
    case 'W1':
      shuffle(builder, options);
      break;
    case 'W1j':
      shuffleAsJson(builder, options);
      break;
    case 'W2':
      windows(builder, options);
      break;
    case 'W6':
      table(builder, options);
      break;
  }
  return builder.build();
}

function passThrough(builder: StreamsBuilder, { applicationId, probe }: AppOptions): void {
  builder
    .stream(inputTopic('W0'), { key: serdes.bytes, value: serdes.bytes })
    .filter((_, value) => {
      probe.count();
      return ((value[0] ?? 0) & 1) === 0;
    })
    .mapValues((value): Uint8Array => Buffer.from(value))
    .to(outputTopic(applicationId), { value: serdes.bytes });
}

function shuffle(builder: StreamsBuilder, { applicationId, cached, probe }: AppOptions): void {
  const store = Stores.keyValue({
    name: 'w1',
    key: serdes.string,
    value: ruleState,
    caching: cached,
  });
  builder
    .stream(inputTopic('W1'), { key: serdes.bytes, value: serdes.bytes })
    .flatMap((_, value) => {
      probe.count();
      return route(readInt32(value, 0), readInt32(value, 4), value);
    })
    .repartition({
      name: 'rules',
      partitions: PARTITIONS,
      key: serdes.string,
      value: serdes.bytes,
    })
    .process<string, RuleState>({
      stores: [store],
      create: (context) => {
        const rules = context.keyValueStore<string, RuleState>('w1');
        return {
          process(record) {
            const { key, value, timestampMs } = record;
            const old = rules.get(key) ?? NO_RECORDS;
            const state = old.add(readInt32(value, 0), readInt32(value, 4), timestampMs);
            if (state.count === GROUP_SIZE) {
              context.forward(record.withValue(state));
              rules.put(key, NO_RECORDS);
            } else {
              rules.put(key, state);
            }
          },
        };
      },
    })
    .to(outputTopic(applicationId), { key: serdes.string, value: ruleState });
}

/** The record under the name of its rule, or nothing. */
function route<V>(high: number, low: number, value: V): readonly (readonly [string, V])[] {
  const rule = modulo64(high, low, RULES);
  return rule < ROUTED_RULES ? [[`r${rule}`, value]] : [];
}

const EMPTY_RULE: RuleJson = { count: 0, sum: '0', firstTs: 0, lastTs: 0 };

function shuffleAsJson(builder: StreamsBuilder, options: AppOptions): void {
  const { applicationId, cached, probe } = options;
  const store = Stores.keyValue({
    name: 'w1',
    key: serdes.string,
    value: ruleJson,
    caching: cached,
  });
  builder
    .stream(inputTopic('W1j'), { key: serdes.bytes, value: probe.counting(shuffleJson) })
    .flatMap((_, value): readonly (readonly [string, Readonly<Shuffle>])[] => {
      const rule = BigInt(value.u) % BigInt(RULES);
      return rule < BigInt(ROUTED_RULES) ? [[`r${rule}`, value]] : [];
    })
    .repartition({ name: 'rules', partitions: PARTITIONS, key: serdes.string, value: shuffleJson })
    .process<string, RuleJson>({
      stores: [store],
      create: (context) => {
        const rules = context.keyValueStore<string, RuleJson>('w1');
        return {
          process(record) {
            const { key, value, timestampMs } = record;
            const state = addJson(rules.get(key) ?? EMPTY_RULE, value.u, timestampMs);
            if (state.count === GROUP_SIZE) {
              context.forward(record.withValue(state));
              rules.put(key, EMPTY_RULE);
            } else {
              rules.put(key, state);
            }
          },
        };
      },
    })
    .to(outputTopic(applicationId), { key: serdes.string, value: ruleJson });
}

function addJson(old: RuleJson, u: string, timestampMs: number): RuleJson {
  if (old.count === 0) return { count: 1, sum: u, firstTs: timestampMs, lastTs: timestampMs };
  return {
    count: old.count + 1,
    sum: BigInt.asUintN(64, BigInt(old.sum) + BigInt(u)).toString(),
    firstTs: Math.min(old.firstTs, timestampMs),
    lastTs: Math.max(old.lastTs, timestampMs),
  };
}

function windows(builder: StreamsBuilder, { applicationId, probe }: AppOptions): void {
  builder
    .stream(inputTopic('W2'), { key: serdes.string, value: probe.counting(reading) })
    .groupByKey()
    .windowedBy(TimeWindows.of({ size: WINDOW_MS }))
    .aggregate(
      () => NO_STATS,
      (_, { watts }, aggregate) => aggregate.add(watts),
      { store: 'w2', value: stats },
    )
    .toStream()
    .selectKey((window) => window.key)
    .to(outputTopic(applicationId), { key: serdes.string, value: statsResult });
}

function table(builder: StreamsBuilder, { applicationId, liveOnly, probe }: AppOptions): void {
  const live = liveTopic(applicationId);
  const value: Serde<Row> = probe.counting(row);
  builder
    .stream(liveOnly ? [live] : [inputTopic('W6'), live], { key: serdes.string, value })
    .process<string, Update>({
      stores: [Stores.keyValue({ name: 'w6', key: serdes.string, value: row })],
      create: (context) => {
        const rows = context.keyValueStore<string, Row>('w6');
        return {
          process(record) {
            const { sequence, timeMs } = record.value;
            rows.put(record.key, record.value);
            if (timeMs !== 0) context.forward(record.withValue({ sequence, timeMs }));
          },
        };
      },
    })
    .to(outputTopic(applicationId), { key: serdes.string, value: update });
}
