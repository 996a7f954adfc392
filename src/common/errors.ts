/** What the runtime does about an error: see the table below. */
export type Recovery = 'retry' | 'rejoin' | 'restore' | 'stop';

/**
 * Every code an error of ours can carry, and what the runtime does when it meets it.
 *
 *     retry     the same call may succeed: wait and call again, within its deadline
 *     rejoin    this instance lost its tasks: drop what is uncommitted and join the group again
 *     restore   the task's memory or disk is not usable: drop it, fetch offsets, replay the changelog
 *     stop      somebody has to change something first
 *
 * `docs/errors.md` says of each what happened and what to do next.
 */
export const RECOVERY = {
  STREAMS_CONFIG: 'stop',
  STREAMS_TOPOLOGY: 'stop',
  STREAMS_CLIENT: 'retry',
  STREAMS_BROKER_UNSUPPORTED: 'stop',
  STREAMS_AUTHENTICATION: 'stop',
  STREAMS_AUTHORIZATION: 'stop',
  STREAMS_CORRUPT_MESSAGE: 'stop',
  STREAMS_CODEC_MISSING: 'stop',
  STREAMS_TASK_MIGRATED: 'rejoin',
  STREAMS_COMMIT_OUTCOME_UNKNOWN: 'restore',
  STREAMS_TXN_TIMEOUT: 'restore',
  STREAMS_TASK_CORRUPTED: 'restore',
  STREAMS_STATE_LOCKED: 'stop',
  STREAMS_STATE_IO: 'restore',
  STREAMS_STATE_CORRUPT: 'restore',
  STREAMS_STATE_INCOMPATIBLE: 'stop',
  STREAMS_CHANGELOG_TRUNCATED: 'stop',
  STREAMS_TOPIC_RECREATED: 'stop',
  STREAMS_TOPIC_MISSING: 'stop',
  STREAMS_PARTITIONS_CHANGED: 'stop',
  STREAMS_INTERNAL_TOPIC_CONFIG: 'stop',
  STREAMS_OFFSET_OUT_OF_RANGE: 'stop',
  STREAMS_RESTORE_STALLED: 'retry',
  STREAMS_DESERIALIZATION: 'stop',
  STREAMS_SERIALIZATION: 'stop',
  STREAMS_PROCESSING: 'stop',
  STREAMS_PRODUCTION: 'stop',
  STREAMS_RECORD_TOO_LARGE: 'stop',
  STREAMS_BUFFER_FULL: 'stop',
  STREAMS_INVALID_TIMESTAMP: 'stop',
  STREAMS_STORE_UNKNOWN: 'stop',
  STREAMS_STORE_NOT_READY: 'retry',
  STREAMS_STORE_MIGRATED: 'retry',
  STREAMS_WORKER_DIED: 'stop',
  STREAMS_NOT_RUNNING: 'stop',
  STREAMS_STOPPED: 'stop',
  STREAMS_INVARIANT: 'stop',
} as const satisfies Record<string, Recovery>;

/** What happened; docs/errors.md has a section for each. */
export type ErrorCode = keyof typeof RECOVERY;

/** Where it happened. A frame that knows more than the one that threw adds to it (`StreamsError.at`). */
export interface ErrorSite {
  readonly taskId?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly node?: string;
  readonly store?: string;
  readonly folder?: string;
  readonly broker?: string;
  readonly api?: string;
  readonly option?: string;
}

/** Where an error happened, and what was caught. */
export interface StreamsErrorOptions {
  readonly site?: ErrorSite;
  readonly cause?: unknown;
}

// A registered symbol, so that the ESM and the CommonJS copy of this file know each other's errors.
const BRAND = Symbol.for('millrace.StreamsError');

/**
 * The only error class of this library. `code` tells errors apart, `site` says where it happened,
 * `cause` keeps what was caught, `recovery` is what the runtime does about it.
 */
export class StreamsError extends Error {
  override readonly name = 'StreamsError';
  readonly code: ErrorCode;
  readonly site: ErrorSite;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, options: StreamsErrorOptions = {}) {
    const { site = {}, cause } = options;
    super(`${message}${describeSite(site)}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.site = site;
  }

  get recovery(): Recovery {
    return RECOVERY[this.code];
  }

  /** The message without the site that ends it. */
  get plainMessage(): string {
    const known = describeSite(this.site);
    return known === '' ? this.message : this.message.slice(0, -known.length);
  }

  /** The same error with a site filled in where the thrower did not know it; the original is its cause. */
  at(site: ErrorSite): StreamsError {
    const merged = { ...site, ...this.site };
    return new StreamsError(this.code, this.plainMessage, {
      site: merged,
      cause: this.cause ?? this,
    });
  }
}

/** True for an error of this library, of one code if given; works across the ESM and CommonJS copies. */
export function isStreamsError(error: unknown, code?: ErrorCode): error is StreamsError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as StreamsError).code === code;
}

/** For our own bugs; stays on in production. */
export function invariant(
  condition: boolean,
  message: string,
  site?: ErrorSite,
): asserts condition {
  if (!condition) throw new StreamsError('STREAMS_INVARIANT', message, site ? { site } : {});
}

function describeSite(site: ErrorSite): string {
  const parts = Object.entries(site).map(([name, value]) => `${name} ${String(value)}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
