import { isStreamsError, StreamsError } from './common/errors.ts';
import { StreamsBuilder } from './dsl/streams-builder.ts';
import type { KafkaStreamsOptions } from './instance-ports.ts';
import type { TopologyPlan } from './topology/topology-plan.ts';

/** The options that hold functions: a topology module exports them under these names. */
const MODULE_OPTIONS = [
  'defaultKeySerde',
  'defaultValueSerde',
  'defaultTimestampExtractor',
  'deserializationExceptionHandler',
  'processingExceptionHandler',
  'productionExceptionHandler',
  'uncaughtExceptionHandler',
  'codecs',
] as const satisfies readonly (keyof KafkaStreamsOptions)[];

/** Those, and options that may hold functions. */
const EXPORTS = [...MODULE_OPTIONS, 'ssl', 'sasl', 'logger'] as const;

export type ModuleOptions = Pick<KafkaStreamsOptions, (typeof EXPORTS)[number]>;

export interface TopologyModule {
  plan(): TopologyPlan;
  readonly options: ModuleOptions;
}

export function isModuleOption(option: string): boolean {
  return MODULE_OPTIONS.some((name) => name === option);
}

/**
 * What a topology module exports: `topology`, and options under their names. A CommonJS module may export them as its
 * `default`.
 *
 * Errors: `STREAMS_CONFIG` for one without a `topology` function; of `plan`, `STREAMS_TOPOLOGY` where that throws or
 * returns a promise, and those of `StreamsBuilder`.
 */
export function readTopologyModule(loaded: unknown, url: string): TopologyModule {
  const outer = loaded as Readonly<Record<string, unknown>>; // a module namespace
  const inner = outer['default'];
  const exported = {
    ...(typeof inner === 'object' ? inner : {}),
    ...outer,
  } as Readonly<Record<string, unknown>>;
  const { topology } = exported;
  if (typeof topology !== 'function') {
    throw new StreamsError(
      'STREAMS_CONFIG',
      `the topology module ${url} exports no function \`topology\`: write \`export function topology(builder) { … }\``,
    );
  }
  const options = EXPORTS.flatMap((name) =>
    exported[name] === undefined ? [] : [[name, exported[name]] as const],
  );
  return {
    plan: () => planOf(topology as (builder: StreamsBuilder) => unknown, url),
    options: Object.fromEntries(options), // parseStreamsConfig checks them
  };
}

/** What the function returns, if that is a topology; else what it has built. */
function planOf(topology: (builder: StreamsBuilder) => unknown, url: string): TopologyPlan {
  const builder = new StreamsBuilder();
  const returned = returnedBy(() => topology(builder), url);
  if (returned instanceof Promise) {
    throw new StreamsError(
      'STREAMS_TOPOLOGY',
      `\`topology\` of ${url} returned a promise: it must be a plain function; await what it needs at the top of the module`,
    );
  }
  if (typeof returned === 'object' && returned !== null && 'plan' in returned) {
    return (returned as { plan(): TopologyPlan }).plan(); // a `Topology`, maybe of the package's other copy
  }
  return builder.build().plan();
}

function returnedBy(call: () => unknown, url: string): unknown {
  try {
    return call();
  } catch (error) {
    if (isStreamsError(error)) throw error;
    throw new StreamsError(
      'STREAMS_TOPOLOGY',
      `\`topology\` of ${url} threw: mend what its cause says`,
      { cause: error },
    );
  }
}
