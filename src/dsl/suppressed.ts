import { parseDuration, type Duration } from '../common/duration.ts';
import { topologyError } from '../topology/topology-error.ts';
import type { LoggingOptions, Named } from './options.ts';

/** The buffer of a suppressed table; without a limit it takes what comes. */
export interface SuppressBuffer extends Named {
  /** Keys in the buffer. */
  readonly maxRecords?: number;
  /** Their bytes, as Kafka Streams counts them. */
  readonly maxBytes?: number;
  /** Of the buffer's changelog: its configs, or false for none, so that what is withheld is lost with its task. */
  readonly logging?: false | LoggingOptions;
}

/** The buffer of results that may be emitted early. */
export interface EagerSuppressBuffer extends SuppressBuffer {
  /** Whether a full buffer emits the oldest update early (the default), or stops the application. */
  readonly whenFull?: 'emitEarly' | 'shutDown';
}

interface SuppressedOptions {
  readonly name: string | undefined;
  readonly logging: false | LoggingOptions;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly whenFull: 'emitEarly' | 'shutDown';
}

/** Until the window of a key has closed: then its last update comes out, and no other. */
export interface SuppressedUntilWindowCloses extends SuppressedOptions {
  readonly until: 'window-closes';
}

/** For some time from the first update of a key: then the last one comes out. */
export interface SuppressedUntilTimeLimit extends SuppressedOptions {
  readonly until: 'time-limit';
  readonly waitMs: number;
}

/**
 * What `KTable.suppress` withholds, and for how long.
 *
 * Errors: `STREAMS_CONFIG` for a bad duration, `STREAMS_TOPOLOGY` for a limit under 1.
 * Source: KIP-328, `org.apache.kafka.streams.kstream.Suppressed`.
 */
export const Suppressed = {
  /** One result for each window, when stream time has passed its end and grace. A full buffer stops the application. */
  untilWindowCloses(buffer: SuppressBuffer = {}): SuppressedUntilWindowCloses {
    return { ...checked(buffer), whenFull: 'shutDown', until: 'window-closes' };
  },

  /** At most one result for each key in this much stream time. */
  untilTimeLimit(limit: Duration, buffer: EagerSuppressBuffer = {}): SuppressedUntilTimeLimit {
    const { whenFull = 'emitEarly' } = buffer;
    const waitMs = parseDuration(limit, 'limit');
    return { ...checked(buffer), whenFull, until: 'time-limit', waitMs };
  },
} as const;

function checked({
  name,
  maxRecords = Infinity,
  maxBytes = Infinity,
  logging = { config: {} },
}: SuppressBuffer): Omit<SuppressedOptions, 'whenFull'> {
  for (const [option, limit] of Object.entries({ maxRecords, maxBytes })) {
    if (limit === Infinity || (Number.isSafeInteger(limit) && limit > 0)) continue;
    throw topologyError(
      `${option} of a suppress buffer cannot be ${limit}: give a whole number from 1, or leave it out`,
      name === undefined ? {} : { node: name },
    );
  }
  return { name, maxRecords, maxBytes, logging };
}
