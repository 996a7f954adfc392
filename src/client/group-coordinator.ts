import { StreamsError } from '../common/errors.ts';
import { heartbeat } from '../wire/messages/heartbeat.ts';
import { joinGroup, type JoinGroupResponse } from '../wire/messages/join-group.ts';
import { leaveGroup } from '../wire/messages/leave-group.ts';
import { syncGroup, type SyncGroupResponse } from '../wire/messages/sync-group.ts';
import { coordinatorMoved } from './broker-errors.ts';
import type { KafkaClient } from './kafka-client.ts';

export interface GroupCoordinatorOptions {
  readonly client: KafkaClient;
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly protocolName: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** Who asks: no id before the first join, generation -1 before the first assignment. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly generationId: number;
}

export interface JoinOptions {
  readonly memberId: string;
  readonly metadata: Uint8Array;
  readonly reason: string;
  readonly signal: AbortSignal;
}

export interface SyncOptions extends MemberIdentity {
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
  readonly signal: AbortSignal;
}

export const PROTOCOL_TYPE = 'consumer';

/** The coordinator answers a JoinGroup at the rebalance timeout at the latest; then its answer has to travel. */
const PARKED_MARGIN_MS = 5_000;
const MAX_REASON_LENGTH = 255;
const LEAVE_TIMEOUT_MS = 5_000;

const STATIC_SINCE = { joinGroup: 5, syncGroup: 3, heartbeat: 3 } as const;
const FIRST_LEAVE_WITH_LIST = 3;

/**
 * The requests of one member to the coordinator of its group, on a lane of their own: a JoinGroup is parked there until the
 * group is complete. Error codes are the caller's, but the coordinator is looked for again when it has moved.
 */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #target: { readonly coordinator: 'group'; readonly key: string };

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    this.#target = { coordinator: 'group', key: options.groupId };
  }

  async join({ memberId, metadata, reason, signal }: JoinOptions): Promise<JoinGroupResponse> {
    const { client, groupId, groupInstanceId, protocolName } = this.#options;
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const { response } = await client.send(
      this.#target,
      'group',
      joinGroup,
      {
        groupId,
        memberId,
        groupInstanceId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: protocolName, metadata }],
        reason: reason.slice(0, MAX_REASON_LENGTH),
      },
      { ...this.#parked(signal), ...this.#atLeast(STATIC_SINCE.joinGroup) },
    );
    this.#noteMoved(response.errorCode);
    return response;
  }

  async sync(options: SyncOptions): Promise<SyncGroupResponse> {
    const { client, groupId, groupInstanceId, protocolName } = this.#options;
    const { memberId, generationId, assignments, signal } = options;
    const { response } = await client.send(
      this.#target,
      'group',
      syncGroup,
      {
        groupId,
        memberId,
        generationId,
        groupInstanceId,
        protocolType: PROTOCOL_TYPE,
        protocolName,
        assignments,
      },
      { ...this.#parked(signal), ...this.#atLeast(STATIC_SINCE.syncGroup) },
    );
    this.#noteMoved(response.errorCode);
    return response;
  }

  /** Returns the error code. */
  async heartbeat({ memberId, generationId }: MemberIdentity): Promise<number> {
    const { client, groupId, groupInstanceId, sessionTimeoutMs } = this.#options;
    const { response } = await client.send(
      this.#target,
      'group',
      heartbeat,
      { groupId, memberId, generationId, groupInstanceId },
      {
        timeoutMs: Math.min(client.requestTimeoutMs, sessionTimeoutMs),
        ...this.#atLeast(STATIC_SINCE.heartbeat),
      },
    );
    this.#noteMoved(response.errorCode);
    return response.errorCode;
  }

  /** On another lane than the others, so that it does not wait behind a parked JoinGroup. */
  async leave(memberId: string, reason: string): Promise<void> {
    const { client, groupId, groupInstanceId } = this.#options;
    await client.retrying(
      `leaving group ${groupId}`,
      async () => {
        const { response } = await client.send(this.#target, 'admin', leaveGroup, (version) =>
          version >= FIRST_LEAVE_WITH_LIST
            ? { groupId, members: [{ memberId, groupInstanceId, reason }] }
            : { groupId, memberId },
        );
        this.#noteMoved(response.errorCode);
        if (coordinatorMoved(response.errorCode)) {
          throw new StreamsError('STREAMS_CLIENT', 'the coordinator has moved');
        }
      },
      { deadlineMs: LEAVE_TIMEOUT_MS },
    );
  }

  #parked(signal: AbortSignal): { readonly waitMs: number; readonly signal: AbortSignal } {
    return { waitMs: this.#options.rebalanceTimeoutMs + PARKED_MARGIN_MS, signal };
  }

  #atLeast(minVersion: number): { readonly minVersion?: number } {
    return this.#options.groupInstanceId === null ? {} : { minVersion };
  }

  #noteMoved(errorCode: number): void {
    const { client, groupId } = this.#options;
    if (coordinatorMoved(errorCode)) client.forgetCoordinator('group', groupId);
  }
}
