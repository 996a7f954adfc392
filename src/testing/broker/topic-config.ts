import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import type { EmulatedVersion } from './broker-settings.ts';

/** Values of DescribeConfigs' `configSource` and `configType`. */
export const CONFIG_SOURCE = { topic: 1, default: 5 } as const;
const TYPE = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

interface KnownConfig {
  readonly value: string;
  readonly type: keyof typeof TYPE;
  /** Where the name alone does not limit the value. */
  readonly allowed?: readonly string[];
}

const MAX_LONG = '9223372036854775807';
const string = (value: string, ...allowed: string[]): KnownConfig => ({
  value,
  type: 'string',
  ...(allowed.length > 0 ? { allowed } : {}),
});
const long = (value: string): KnownConfig => ({ value, type: 'long' });
const int = (value: string): KnownConfig => ({ value, type: 'int' });
const boolean = (value: string): KnownConfig => ({ value, type: 'boolean' });

/** Kafka's configs of topics, with its defaults. Those that mean something to records are obeyed, the others are kept. */
const KNOWN: Readonly<Record<string, KnownConfig>> = {
  'cleanup.policy': { value: 'delete', type: 'list', allowed: ['delete', 'compact'] },
  'compression.type': string(
    'producer',
    'producer',
    'uncompressed',
    'gzip',
    'snappy',
    'lz4',
    'zstd',
  ),
  'delete.retention.ms': long('86400000'),
  'file.delete.delay.ms': long('60000'),
  'flush.messages': long(MAX_LONG),
  'flush.ms': long(MAX_LONG),
  'follower.replication.throttled.replicas': { value: '', type: 'list' },
  'index.interval.bytes': int('4096'),
  'leader.replication.throttled.replicas': { value: '', type: 'list' },
  'max.compaction.lag.ms': long(MAX_LONG),
  'max.message.bytes': int('1048588'),
  'message.timestamp.after.max.ms': long('3600000'),
  'message.timestamp.before.max.ms': long(MAX_LONG),
  'message.timestamp.type': string('CreateTime', 'CreateTime', 'LogAppendTime'),
  'min.cleanable.dirty.ratio': { value: '0.5', type: 'double' },
  'min.compaction.lag.ms': long('0'),
  'min.insync.replicas': int('1'),
  preallocate: boolean('false'),
  'retention.bytes': long('-1'),
  'retention.ms': long('604800000'),
  'segment.bytes': int('1073741824'),
  'segment.index.bytes': int('10485760'),
  'segment.jitter.ms': long('0'),
  'segment.ms': long('604800000'),
  'unclean.leader.election.enable': boolean('false'),
};

export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly isDefault: boolean;
  readonly configType: number;
}

/** The configs of one topic. */
export class TopicConfig {
  readonly #version: EmulatedVersion;
  readonly #set: Map<string, string>;

  constructor(set: ReadonlyMap<string, string>, version: EmulatedVersion) {
    this.#set = new Map(set);
    this.#version = version;
  }

  /** INVALID_CONFIG for a name that Kafka does not have, or a value that it does not take; NONE. */
  static check(name: string, value: string | null): number {
    const known = KNOWN[name];
    if (known === undefined || value === null) return ERROR.INVALID_CONFIG;
    const { type, allowed } = known;
    if (allowed !== undefined) {
      return value.split(',').every((part) => allowed.includes(part.trim()))
        ? ERROR.NONE
        : ERROR.INVALID_CONFIG;
    }
    if (type === 'boolean') return /^(true|false)$/.test(value) ? ERROR.NONE : ERROR.INVALID_CONFIG;
    if (type === 'string' || type === 'list') return ERROR.NONE;
    const pattern = type === 'double' ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/;
    return pattern.test(value) ? ERROR.NONE : ERROR.INVALID_CONFIG;
  }

  get(name: string): string {
    return this.#set.get(name) ?? this.#default(name);
  }

  /** Beyond 2^53 a limit is none. */
  number(name: string): number {
    return Number(this.get(name));
  }

  set(name: string, value: string | null): void {
    if (value === null) this.#set.delete(name);
    else this.#set.set(name, value);
  }

  entries(): readonly ConfigEntry[] {
    return Object.entries(KNOWN).map(([name, { type }]) => ({
      name,
      value: this.get(name),
      isDefault: !this.#set.has(name),
      configType: TYPE[type],
    }));
  }

  #default(name: string): string {
    // Before 4.0 (KIP-1030) a time could be any.
    if (name === 'message.timestamp.after.max.ms' && this.#version === '3.9') return MAX_LONG;
    return KNOWN[name]?.value ?? '';
  }
}
