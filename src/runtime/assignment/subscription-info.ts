import { StreamsError } from '../../common/errors.ts';

/**
 * What a member tells the leader of its group, as the user data of its subscription: JSON, so that
 * `kafka-consumer-groups` and a human can read it (docs/formats.md).
 */
export interface SubscriptionInfo {
  /** Of the process that keeps the state folder. */
  readonly processId: string;
  /** Of the topology it runs; members of another topology get no tasks. */
  readonly topology: string;
  readonly ownedTasks: readonly string[];
  /** Sum of changelog positions by task, for the tasks with state on disk. */
  readonly storedTasks: Readonly<Record<string, number>>;
  /** The error for which this member asks everybody to stop (`shutdownApplication`), if it does. */
  readonly shutdown: string | null;
}

/** What the leader answers each member, as the user data of its assignment. */
export interface AssignmentInfo {
  /** Of the topology that the tasks belong to. */
  readonly topology: string;
  readonly tasks: readonly string[];
  /** Why this member has to stop instead. */
  readonly error: AssignmentError | null;
}

export interface AssignmentError {
  readonly code: string;
  readonly message: string;
}

const VERSION = 1;

export function encodeSubscriptionInfo(info: SubscriptionInfo): Uint8Array {
  return encode(info);
}

export function encodeAssignmentInfo(info: AssignmentInfo): Uint8Array {
  return encode(info);
}

/** Errors: `STREAMS_CONFIG` where another kind of client, or a newer version of ours, is in the group. */
export function decodeSubscriptionInfo(bytes: Uint8Array, memberId: string): SubscriptionInfo {
  const info = decode(bytes, `the subscription of member ${memberId}`);
  return {
    processId: textOf(info['processId']),
    topology: textOf(info['topology']),
    ownedTasks: listOf(info['ownedTasks']),
    storedTasks: positionsOf(info['storedTasks']),
    shutdown: typeof info['shutdown'] === 'string' ? info['shutdown'] : null,
  };
}

/** Errors: as `decodeSubscriptionInfo`; a group that assigns without our leader gives no user data at all. */
export function decodeAssignmentInfo(bytes: Uint8Array): AssignmentInfo {
  const info = decode(bytes, 'the assignment');
  const error = info['error'];
  return {
    topology: textOf(info['topology']),
    tasks: listOf(info['tasks']),
    error: isObject(error)
      ? { code: textOf(error['code']), message: textOf(error['message']) }
      : null,
  };
}

function encode(info: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...info }));
}

function decode(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  const info = parseJson(bytes);
  if (!isObject(info)) {
    throw new StreamsError(
      'STREAMS_CONFIG',
      `${what} is not one of Millrace: another kind of client uses this application id as its group id; give this application another one`,
      { site: { option: 'applicationId' } },
    );
  }
  if (info['version'] !== VERSION) {
    throw new StreamsError(
      'STREAMS_CONFIG',
      `${what} has version ${String(info['version'])}, this is version ${VERSION}: upgrade every instance (UPGRADING.md)`,
      { site: { option: 'applicationId' } },
    );
  }
  return info;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // not ours, which the caller says
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function positionsOf(value: unknown): Readonly<Record<string, number>> {
  if (!isObject(value)) return {};
  const positions = Object.entries(value).filter(([, position]) => typeof position === 'number');
  return Object.fromEntries(positions) as Record<string, number>;
}
