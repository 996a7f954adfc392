import type { Clock, Timers } from '../common/clock.ts';
import { StreamsError, invariant, isStreamsError, type ErrorCode } from '../common/errors.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';
import { KAFKA_ERRORS as ERROR, describeErrorCode } from '../wire/error-codes.ts';
import type { JoinGroupResponse } from '../wire/messages/join-group.ts';
import { Backoff } from './backoff.ts';
import { brokerError } from './broker-errors.ts';
import { GroupCoordinator, PROTOCOL_TYPE } from './group-coordinator.ts';
import {
  assignmentBytes,
  foreignGroup,
  readAssignment,
  readSubscription,
  subscriptionBytes,
  type GroupMemberSubscription,
  type MemberAssignment,
} from './group-protocol.ts';
import { Heartbeats } from './heartbeats.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { Membership } from './membership.ts';

export type { GroupMemberSubscription, MemberAssignment } from './group-protocol.ts';
export type { Membership } from './membership.ts';

/** How a group shares its work; the member that leads it asks its own. */
export interface PartitionAssignor {
  /** Topics of the subscription. */
  topics(): readonly string[];
  /** Asked for before each join. The group is only balanced anew when a member's bytes have changed. */
  subscriptionUserData(): Promise<Uint8Array>;
  ownedPartitions(): readonly TopicPartition[];
  /** What each member gets, by member id. */
  assign(
    members: readonly GroupMemberSubscription[],
  ): Promise<ReadonlyMap<string, MemberAssignment>>;
}

/** Called, and awaited, from inside `poll` (and `leave`) only. */
export interface RebalanceListener {
  /** Before the group is joined again: commit or abort. The membership still holds. */
  onRevoked(): Promise<void>;
  onAssigned(assignment: MemberAssignment, membership: Membership): Promise<void>;
  /** The group has gone on without this member: nothing can be committed any more. */
  onLost(error: StreamsError): Promise<void>;
}

export interface GroupMemberOptions {
  readonly client: KafkaClient;
  readonly groupId: string;
  /** A static member keeps its place over a restart; null for a dynamic one. */
  readonly groupInstanceId?: string | null;
  readonly protocolName: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long the others wait for this member to join again; also how long `poll` may not be called. */
  readonly rebalanceTimeoutMs: number;
  readonly assignor: PartitionAssignor;
  readonly listener: RebalanceListener;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Another kind of member may still be leaving the group: how long to wait for that beyond its session. */
const FOREIGN_MEMBER_GRACE_MS = 60_000;
const FOREIGN_MEMBER_WARNING_MS = 10_000;
/** No answer came, or none that can be read: on a new connection the next may be another. */
const UNANSWERED: ReadonlySet<ErrorCode> = new Set(['STREAMS_CLIENT', 'STREAMS_CORRUPT_MESSAGE']);

/**
 * A member of a consumer group, classic protocol, with our own assignment. Eager: all partitions are given up before each
 * join.
 *
 *     poll → [onRevoked] → JoinGroup → (leader: assign) → SyncGroup → onAssigned
 *
 * Heartbeats go on in the background, from one assignment to the next join; what they find out waits for the next `poll`. An
 * owner that does not poll for `rebalanceTimeoutMs` has hung: the member leaves, so that others go on.
 *
 * Errors of `poll`: `STREAMS_CONFIG` for a group of another kind of client, a second process with the same
 * `groupInstanceId`, and timeouts that the broker does not take; `STREAMS_AUTHORIZATION`; `STREAMS_CLIENT` when there is no
 * coordinator for `rebalanceTimeoutMs`; whatever assignor and listener throw. It may be called again after each, and then
 * joins again.
 *
 * Source: `org.apache.kafka.clients.consumer.internals.ConsumerCoordinator`, KIP-345, KIP-394, KIP-800.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #coordinator: GroupCoordinator;
  readonly #heartbeats: Heartbeats;
  readonly #closing = new AbortController();
  #membership: Membership | null = null;
  #memberId = '';
  #generationId = -1;
  #rejoinReason: string | null = 'joining';
  #lost: StreamsError | null = null;
  #fatal: StreamsError | null = null;
  /** Why the last try to join had no answer. */
  #unanswered: StreamsError | undefined;
  #lastPollMs: number;
  #isPolling = false;
  #onRejoinNeeded: (() => void) | null = null;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    const { groupInstanceId = null } = options;
    this.#coordinator = new GroupCoordinator({ ...options, groupInstanceId });
    this.#heartbeats = new Heartbeats({
      timers: options.timers,
      intervalMs: options.heartbeatIntervalMs,
      beat: () => this.#beat(),
    });
    this.#lastPollMs = options.clock.monotonicMs();
  }

  /** Of the present assignment; null while there is none. */
  get membership(): Membership | null {
    return this.#membership;
  }

  /** Whether the next `poll` has something to do. */
  get rejoinNeeded(): boolean {
    return this.#rejoinReason !== null || this.#lost !== null || this.#fatal !== null;
  }

  /** Called, from the event loop, when `rejoinNeeded` becomes true. */
  onRejoinNeeded(callback: (() => void) | null): void {
    this.#onRejoinNeeded = callback;
  }

  /** To be called all the time: it shows that the owner is alive, and joins the group again when that is needed. */
  async poll(): Promise<void> {
    this.#lastPollMs = this.#options.clock.monotonicMs();
    if (!this.rejoinNeeded) return;
    invariant(!this.#isPolling, 'one poll at a time');
    this.#isPolling = true;
    try {
      if (this.#lost !== null) await this.#handleLoss(this.#lost);
      if (this.#fatal !== null) throw this.#fatal;
      await this.#rejoin();
    } finally {
      this.#isPolling = false;
      this.#lastPollMs = this.#options.clock.monotonicMs();
    }
  }

  /**
   * Joins again at the next `poll`. A follower whose subscription has not changed gets its old assignment back: put what
   * the leader has to see into the user data.
   */
  requestRejoin(reason: string): void {
    this.#rejoinReason ??= reason;
    this.#onRejoinNeeded?.();
  }

  /** Gives the partitions up and tells the coordinator, a static member's place included. */
  async leave(): Promise<void> {
    try {
      const holds = this.#membership !== null && this.#lost === null;
      if (holds) await this.#options.listener.onRevoked();
    } finally {
      const memberId = this.#memberId;
      await this.close();
      if (memberId !== '') await this.#tellLeaving(memberId, 'the application is closing');
      this.#memberId = '';
    }
  }

  /** Stops the heartbeats and a join under way, and says nothing to the coordinator: a static member may come back. */
  close(): Promise<void> {
    this.#closing.abort(new StreamsError('STREAMS_STOPPED', 'the group member was closed'));
    this.#heartbeats.stop();
    this.#membership = null;
    return Promise.resolve();
  }

  async #handleLoss(error: StreamsError): Promise<void> {
    this.#heartbeats.stop();
    const hadMembership = this.#membership !== null;
    this.#membership = null;
    this.#generationId = -1;
    this.#lost = null;
    this.#rejoinReason ??= error.message;
    if (hadMembership) await this.#options.listener.onLost(error);
  }

  async #rejoin(): Promise<void> {
    const { listener, client, clock, timers, rebalanceTimeoutMs } = this.#options;
    if (this.#membership !== null) await listener.onRevoked();
    // A heartbeat may have found meanwhile that the membership was gone before.
    this.#lost = null;
    this.#membership = null;
    this.#heartbeats.stop();

    const backoff = new Backoff(client.backoff, client.random);
    const foreign = { sinceMs: -1, warnedMs: -1 };
    const startMs = clock.monotonicMs();
    this.#unanswered = undefined;
    for (;;) {
      this.#closing.signal.throwIfAborted();
      const joined = await this.#tryJoin(foreign);
      if (joined !== null) {
        await this.#assigned(joined);
        return;
      }
      if (clock.monotonicMs() - startMs > rebalanceTimeoutMs) {
        throw new StreamsError(
          'STREAMS_CLIENT',
          `group ${this.#options.groupId} could not be joined within ${rebalanceTimeoutMs} ms (maxPollIntervalMs)`,
          { cause: this.#lastUnanswered() },
        );
      }
      await timers.sleep(backoff.nextMs(), this.#closing.signal);
    }
  }

  /** A function, since it changes while TypeScript believes that it cannot. */
  #lastUnanswered(): StreamsError | undefined {
    return this.#unanswered;
  }

  async #assigned(assignment: MemberAssignment): Promise<void> {
    const { groupId, groupInstanceId = null, listener, logger } = this.#options;
    const membership: Membership = {
      groupId,
      memberId: this.#memberId,
      generationId: this.#generationId,
      groupInstanceId,
    };
    this.#membership = membership;
    // Heartbeats while the assignor worked may have lost a membership that this one has replaced.
    this.#lost = null;
    this.#lastPollMs = this.#options.clock.monotonicMs();
    this.#heartbeats.start();
    logger.info({ ...membership, partitions: assignment.partitions.length }, 'joined the group');
    try {
      await listener.onAssigned(assignment, membership);
    } catch (error) {
      // Nobody else will work on these partitions: the next round brings the assignment again.
      this.#rejoinReason ??= 'the assignment could not be taken over';
      throw error;
    }
  }

  /** One round of JoinGroup and SyncGroup; null when it has to be tried again after a while. */
  async #tryJoin(foreign: { sinceMs: number; warnedMs: number }): Promise<MemberAssignment | null> {
    const reason = this.#rejoinReason ?? 'trying again';
    try {
      const metadata = await this.#subscription();
      // What asks for a rejoin from here on is for the next round.
      this.#rejoinReason = null;
      const joined = await this.#join(metadata, reason, foreign);
      if (joined !== null) {
        const assignment = await this.#sync(joined);
        if (assignment !== null) return assignment;
      }
    } catch (error) {
      if (!isStreamsError(error) || !UNANSWERED.has(error.code)) {
        this.#rejoinReason ??= reason;
        throw error;
      }
      this.#unanswered = error;
      this.#options.logger.debug({ err: error }, 'joining the group failed');
    } finally {
      this.#heartbeats.stop();
    }
    this.#rejoinReason ??= reason;
    return null;
  }

  async #subscription(): Promise<Uint8Array> {
    const { assignor } = this.#options;
    return subscriptionBytes({
      userData: await assignor.subscriptionUserData(),
      topics: assignor.topics(),
      ownedPartitions: assignor.ownedPartitions(),
      generationId: this.#generationId,
    });
  }

  async #join(
    metadata: Uint8Array,
    reason: string,
    foreign: { sinceMs: number; warnedMs: number },
  ): Promise<JoinGroupResponse | null> {
    const { groupId, protocolName } = this.#options;
    const { signal } = this.#closing;
    this.#options.client.failpoints.pass('group.join');
    let joined = await this.#coordinator.join({
      memberId: this.#memberId,
      metadata,
      reason,
      signal,
    });
    if (joined.errorCode === ERROR.MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId;
      joined = await this.#coordinator.join({ memberId: this.#memberId, metadata, reason, signal });
    }
    const { errorCode } = joined;
    if (errorCode === ERROR.INCONSISTENT_GROUP_PROTOCOL) this.#waitForForeigners(foreign);
    else foreign.sinceMs = -1;
    if (errorCode !== ERROR.NONE) {
      this.#refused(errorCode, 'JoinGroup');
      return null;
    }
    if (
      joined.protocolName !== protocolName ||
      (joined.protocolType ?? PROTOCOL_TYPE) !== PROTOCOL_TYPE
    ) {
      throw foreignGroup(groupId);
    }
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    return joined;
  }

  async #sync(joined: JoinGroupResponse): Promise<MemberAssignment | null> {
    const { groupId } = this.#options;
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment;
    const assignments = isLeader ? await this.#assign(joined) : [];
    const synced = await this.#coordinator.sync({
      memberId: this.#memberId,
      generationId: this.#generationId,
      assignments,
      signal: this.#closing.signal,
    });
    if (synced.errorCode === ERROR.NONE) return readAssignment(groupId, synced.assignment);
    this.#refused(synced.errorCode, 'SyncGroup');
    return null;
  }

  /** The others wait, so an assignor that takes its time, to create topics for instance, keeps the session alive. */
  async #assign(
    joined: JoinGroupResponse,
  ): Promise<{ readonly memberId: string; readonly assignment: Uint8Array }[]> {
    const { groupId, assignor } = this.#options;
    const members = joined.members.map((member) => readSubscription(groupId, member));
    this.#heartbeats.start();
    const assigned = await assignor.assign(members);
    this.#heartbeats.stop();
    return [...assigned].map(([memberId, assignment]) => ({
      memberId,
      assignment: assignmentBytes(assignment),
    }));
  }

  /** Takes in why a join or sync was refused; throws what another try does not change. */
  #refused(errorCode: number, api: string): void {
    const { groupId, logger } = this.#options;
    logger.debug({ groupId, api, answer: describeErrorCode(errorCode) }, 'joining was refused');
    switch (errorCode) {
      case ERROR.UNKNOWN_MEMBER_ID:
        this.#memberId = '';
        this.#generationId = -1;
        return;
      case ERROR.ILLEGAL_GENERATION:
        this.#generationId = -1;
        return;
      case ERROR.REBALANCE_IN_PROGRESS:
      case ERROR.INCONSISTENT_GROUP_PROTOCOL:
        return;
      case ERROR.FENCED_INSTANCE_ID:
        this.#fatal = this.#fenced();
        throw this.#fatal;
      default: {
        const error = brokerError(errorCode, { api, detail: `group ${groupId}` });
        if (error.recovery !== 'retry') throw error;
      }
    }
  }

  #fenced(): StreamsError {
    return new StreamsError(
      'STREAMS_CONFIG',
      `another process has joined with groupInstanceId ${this.#options.groupInstanceId ?? ''}: each needs its own, and ` +
        'the one that came later goes on',
      { site: { option: 'groupInstanceId' } },
    );
  }

  /** A member that speaks another protocol is still in the group: it may be on its way out. */
  #waitForForeigners(foreign: { sinceMs: number; warnedMs: number }): void {
    const { clock, groupId, sessionTimeoutMs, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (foreign.sinceMs < 0) foreign.sinceMs = nowMs;
    const waitedMs = nowMs - foreign.sinceMs;
    if (waitedMs > sessionTimeoutMs + FOREIGN_MEMBER_GRACE_MS) throw foreignGroup(groupId);
    if (foreign.warnedMs >= 0 && nowMs - foreign.warnedMs < FOREIGN_MEMBER_WARNING_MS) return;
    foreign.warnedMs = nowMs;
    logger.warn({ groupId, waitedMs }, 'waiting for members of another kind to leave the group');
  }

  async #beat(): Promise<void> {
    const { clock, rebalanceTimeoutMs, logger, groupId } = this.#options;
    const silentMs = clock.monotonicMs() - this.#lastPollMs;
    if (!this.#isPolling && silentMs > rebalanceTimeoutMs) {
      await this.#giveUp(silentMs);
      return;
    }
    const sentBy = { memberId: this.#memberId, generationId: this.#generationId };
    try {
      const errorCode = await this.#coordinator.heartbeat(sentBy);
      // An answer that comes while the group is being joined again says nothing about what comes of that.
      const isCurrent = this.#heartbeats.isRunning && sentBy.generationId === this.#generationId;
      if (isCurrent) this.#takeBeat(errorCode);
    } catch (error) {
      logger.debug({ err: error, groupId }, 'a heartbeat failed');
      if (!isStreamsError(error) || UNANSWERED.has(error.code)) return;
      if (error.recovery === 'stop' && error.code !== 'STREAMS_STOPPED') this.#fail(error);
    }
  }

  #takeBeat(errorCode: number): void {
    switch (errorCode) {
      case ERROR.NONE:
        return;
      case ERROR.REBALANCE_IN_PROGRESS:
        this.requestRejoin('the group is rebalancing');
        return;
      case ERROR.UNKNOWN_MEMBER_ID:
        this.#memberId = '';
        this.#lose(brokerError(errorCode, { api: 'Heartbeat' }));
        return;
      case ERROR.ILLEGAL_GENERATION:
        this.#lose(brokerError(errorCode, { api: 'Heartbeat' }));
        return;
      case ERROR.FENCED_INSTANCE_ID:
        this.#lose(brokerError(errorCode, { api: 'Heartbeat' }));
        this.#fail(this.#fenced());
        return;
      default: {
        const error = brokerError(errorCode, { api: 'Heartbeat' });
        if (error.recovery !== 'retry') this.#fail(error);
      }
    }
  }

  /** The owner hangs, and nobody else can work on its partitions while this member holds them. */
  async #giveUp(silentMs: number): Promise<void> {
    const { groupId, groupInstanceId = null, rebalanceTimeoutMs, logger } = this.#options;
    const message = `poll was not called for ${Math.round(silentMs)} ms, above maxPollIntervalMs (${rebalanceTimeoutMs})`;
    logger.warn({ groupId, silentMs }, `${message}: leaving the group`);
    const memberId = this.#memberId;
    this.#memberId = groupInstanceId === null ? '' : memberId;
    this.#lose(new StreamsError('STREAMS_TASK_MIGRATED', message));
    // A static member's place is kept until its session ends.
    if (groupInstanceId === null) await this.#tellLeaving(memberId, message);
  }

  async #tellLeaving(memberId: string, reason: string): Promise<void> {
    try {
      await this.#coordinator.leave(memberId, reason);
    } catch (error) {
      // The session timeout does the same, later.
      this.#options.logger.warn({ err: error }, 'the group could not be told that a member leaves');
    }
  }

  #lose(error: StreamsError): void {
    this.#heartbeats.stop();
    this.#lost ??= error;
    this.#onRejoinNeeded?.();
  }

  #fail(error: StreamsError): void {
    this.#heartbeats.stop();
    this.#fatal = error;
    this.#lost ??= error;
    this.#onRejoinNeeded?.();
  }
}
