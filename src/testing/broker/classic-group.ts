import type { Timer } from '../../common/clock.ts';
import type { Complete } from '../../wire/api.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../wire/messages/join-group.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../wire/messages/sync-group.ts';
import type { BrokerSettings } from './broker-settings.ts';
import type { BrokerTimers } from './broker-timers.ts';
import { GroupMemberState, NO_ASSIGNMENT } from './group-member.ts';
import { GroupOffsets } from './group-offsets.ts';

/** As Kafka's DescribeGroups names them. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

/** Who speaks, by what its request says. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface ClassicGroupOptions {
  readonly groupId: string;
  readonly settings: BrokerSettings;
  readonly timers: BrokerTimers;
  readonly newMemberId: (prefix: string) => string;
}

interface ExpectedMember {
  readonly timer: Timer;
  readonly clientId: string;
}

const FIRST_WITH_REQUIRED_MEMBER_ID = 4;
const FIRST_WITH_SKIPPED_ASSIGNMENT = 9;

/**
 * A group of the classic protocol: members join, the first of them leads, the leader assigns, all get their part.
 *
 *     Empty ─ a member joins ─► PreparingRebalance ─ all have joined, or the time is over ─► CompletingRebalance
 *                                     ▲  a member joins anew, leaves, or is not heard of │ the leader has assigned
 *                                     └──────────────────── Stable ◄─────────────────────┘
 *
 * JoinGroup is parked until the generation begins, SyncGroup until the leader has spoken. A member is removed when its
 * session ends without a heartbeat, or when a rebalance ends without it. A static member (with an instance id) that comes
 * back within its session takes its old place under a new member id, and nobody else notices: not even the leader, when
 * what it says of itself has changed.
 *
 * Source: `ClassicGroup`, `GroupMetadataManager` of Kafka; KIP-62, KIP-345, KIP-394, KIP-814.
 */
export class ClassicGroup {
  readonly groupId: string;
  readonly offsets = new GroupOffsets();
  state: GroupState = 'Empty';
  generation = 0;
  protocolType: string | null = null;
  protocol: string | null = null;
  leader: string | null = null;
  readonly #settings: BrokerSettings;
  readonly #timers: BrokerTimers;
  readonly #newMemberId: (prefix: string) => string;
  readonly #members = new Map<string, GroupMemberState>();
  /** Member ids that were given out and have not joined yet. */
  readonly #expected = new Map<string, ExpectedMember>();
  #rebalanceTimer: Timer | null = null;
  /** A group that was empty waits a while: others may be about to join it. */
  #isDelayed = false;

  constructor({ groupId, settings, timers, newMemberId }: ClassicGroupOptions) {
    this.groupId = groupId;
    this.#settings = settings;
    this.#timers = timers;
    this.#newMemberId = newMemberId;
  }

  get members(): readonly GroupMemberState[] {
    return [...this.#members.values()];
  }

  join(
    request: Complete<JoinGroupRequest>,
    version: number,
    clientId: string,
  ): JoinGroupResponse | Promise<JoinGroupResponse> {
    const { memberId, groupInstanceId, sessionTimeoutMs } = request;
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.#settings;
    const refuse = (errorCode: number): JoinGroupResponse => joinError(errorCode, memberId);
    if (
      sessionTimeoutMs < groupMinSessionTimeoutMs ||
      sessionTimeoutMs > groupMaxSessionTimeoutMs
    ) {
      return refuse(ERROR.INVALID_SESSION_TIMEOUT);
    }
    if (!this.#speaksOurs(request)) return refuse(ERROR.INCONSISTENT_GROUP_PROTOCOL);
    if (memberId !== '') return this.#joinAgain(request);
    if (groupInstanceId !== null) {
      const old = this.#static(groupInstanceId);
      const id = this.#newMemberId(groupInstanceId);
      return old === undefined
        ? this.#joinNew(request, id, clientId)
        : this.#replaceStatic(old, id, request, version);
    }
    const id = this.#newMemberId(clientId);
    if (version < FIRST_WITH_REQUIRED_MEMBER_ID) return this.#joinNew(request, id, clientId);
    this.#expect(id, sessionTimeoutMs, clientId);
    return joinError(ERROR.MEMBER_ID_REQUIRED, id);
  }

  sync(request: Complete<SyncGroupRequest>): SyncGroupResponse | Promise<SyncGroupResponse> {
    const errorCode = this.#syncError(request);
    const member = this.#members.get(request.memberId);
    if (errorCode !== ERROR.NONE || member === undefined) return this.#syncResponse(errorCode);
    if (this.state === 'Stable') {
      this.#keepAlive(member);
      return this.#syncResponse(ERROR.NONE, member.assignment);
    }
    const answer = new Promise<SyncGroupResponse>((resolve) => {
      member.answerSync = resolve;
    });
    member.sessionTimer?.cancel();
    if (request.memberId === this.leader) this.#assign(request);
    return answer;
  }

  heartbeat(identity: MemberIdentity, generation: number): number {
    const errorCode = this.#memberError(identity);
    if (errorCode !== ERROR.NONE) return errorCode;
    if (generation !== this.generation) return ERROR.ILLEGAL_GENERATION;
    const member = this.#members.get(identity.memberId);
    if (member !== undefined) this.#keepAlive(member);
    return this.state === 'PreparingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  leave({ memberId, groupInstanceId }: MemberIdentity): number {
    const expected = this.#expected.get(memberId);
    if (expected !== undefined) {
      expected.timer.cancel();
      this.#expected.delete(memberId);
      this.#completeIfAllJoined();
      return ERROR.NONE;
    }
    const id =
      memberId === '' && groupInstanceId !== null
        ? (this.#static(groupInstanceId)?.memberId ?? '')
        : memberId;
    const errorCode = this.#memberError({ memberId: id, groupInstanceId });
    if (errorCode === ERROR.NONE) this.#remove(id);
    return errorCode;
  }

  /**
   * Whether offsets may be committed. A transaction's commit without member and generation is taken from any stranger, in a
   * live group too: the fence is there only for who asks for it.
   */
  commitError(identity: MemberIdentity, generation: number, isTransactional: boolean): number {
    const { memberId, groupInstanceId } = identity;
    if (generation < 0 && this.state === 'Empty') return ERROR.NONE;
    if (generation < 0 && memberId === '' && groupInstanceId === null) {
      return isTransactional ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
    }
    const errorCode = this.#memberError(identity);
    if (errorCode !== ERROR.NONE) return errorCode;
    if (generation !== this.generation) return ERROR.ILLEGAL_GENERATION;
    if (isTransactional) return ERROR.NONE;
    const member = this.#members.get(memberId);
    if (member !== undefined) this.#keepAlive(member);
    return this.state === 'CompletingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  /** A member that the group does not have; a static one whose place another process has taken. */
  #memberError({ memberId, groupInstanceId }: MemberIdentity): number {
    if (groupInstanceId !== null) {
      const known = this.#static(groupInstanceId);
      if (known === undefined) return ERROR.UNKNOWN_MEMBER_ID;
      return known.memberId === memberId ? ERROR.NONE : ERROR.FENCED_INSTANCE_ID;
    }
    return this.#members.has(memberId) ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
  }

  #static(groupInstanceId: string): GroupMemberState | undefined {
    return this.members.find((member) => member.groupInstanceId === groupInstanceId);
  }

  #speaksOurs({ protocolType, protocols }: Complete<JoinGroupRequest>): boolean {
    if (protocolType === '' || protocols.length === 0) return false;
    if (this.#members.size === 0) return true;
    return (
      protocolType === this.protocolType &&
      protocols.some(({ name }) => this.members.every((member) => offers(member, name)))
    );
  }

  #expect(memberId: string, sessionTimeoutMs: number, clientId: string): void {
    const timer = this.#timers.schedule(sessionTimeoutMs, () => {
      this.#expected.delete(memberId);
      this.#completeIfAllJoined();
    });
    this.#expected.set(memberId, { timer, clientId });
  }

  #joinNew(
    request: Complete<JoinGroupRequest>,
    memberId: string,
    clientId: string,
  ): Promise<JoinGroupResponse> {
    const member = new GroupMemberState(memberId, request.groupInstanceId, clientId);
    member.update(request);
    this.protocolType = request.protocolType;
    this.#members.set(memberId, member);
    this.leader ??= memberId;
    return this.#park(member);
  }

  #joinAgain(request: Complete<JoinGroupRequest>): JoinGroupResponse | Promise<JoinGroupResponse> {
    const { memberId, groupInstanceId } = request;
    const expected = this.#expected.get(memberId);
    if (expected !== undefined && groupInstanceId === null) {
      expected.timer.cancel();
      this.#expected.delete(memberId);
      return this.#joinNew(request, memberId, expected.clientId);
    }
    const errorCode = this.#memberError({ memberId, groupInstanceId });
    const member = this.#members.get(memberId);
    if (errorCode !== ERROR.NONE || member === undefined) return joinError(errorCode, memberId);
    const isSame = member.offersTheSame(request.protocols);
    const isSettled =
      this.state === 'CompletingRebalance' || (this.state === 'Stable' && memberId !== this.leader);
    if (isSame && isSettled) {
      this.#keepAlive(member);
      return this.#joinResponse(member);
    }
    member.update(request);
    return this.#park(member);
  }

  #replaceStatic(
    old: GroupMemberState,
    memberId: string,
    request: Complete<JoinGroupRequest>,
    version: number,
  ): JoinGroupResponse | Promise<JoinGroupResponse> {
    old.answerJoin?.(joinError(ERROR.FENCED_INSTANCE_ID, old.memberId));
    old.answerSync?.(this.#syncResponse(ERROR.FENCED_INSTANCE_ID));
    old.answerJoin = null;
    old.answerSync = null;
    const oldId = old.memberId;
    const wasLeader = this.leader === oldId;
    this.#members.delete(oldId);
    old.memberId = memberId;
    this.#members.set(memberId, old);
    if (wasLeader) this.leader = memberId;
    old.update(request);
    if (this.state !== 'Stable' || this.#choose() !== this.protocol) return this.#park(old);
    this.#keepAlive(old);
    const response = this.#joinResponse(old);
    const skips = version >= FIRST_WITH_SKIPPED_ASSIGNMENT;
    // An older client that leads would assign anew: it is made to believe that another one does.
    return wasLeader && !skips
      ? { ...response, leader: oldId, members: [] }
      : { ...response, skipAssignment: wasLeader };
  }

  /** Holds the answer back until the next generation begins. */
  #park(member: GroupMemberState): Promise<JoinGroupResponse> {
    member.sessionTimer?.cancel(); // who waits for us is not asked for heartbeats
    const answer = new Promise<JoinGroupResponse>((resolve) => {
      member.answerJoin = resolve;
    });
    if (this.state === 'PreparingRebalance') this.#completeIfAllJoined();
    else this.#prepareRebalance();
    return answer;
  }

  #prepareRebalance(): void {
    const wasEmpty = this.state === 'Empty';
    const { groupInitialRebalanceDelayMs } = this.#settings;
    for (const member of this.members) {
      member.answerSync?.(this.#syncResponse(ERROR.REBALANCE_IN_PROGRESS));
      if (member.answerSync !== null) this.#keepAlive(member);
      member.answerSync = null;
      if (this.state === 'CompletingRebalance') member.assignment = NO_ASSIGNMENT;
    }
    this.state = 'PreparingRebalance';
    this.#rebalanceTimer?.cancel();
    const isDelayed = wasEmpty && groupInitialRebalanceDelayMs > 0;
    const timeoutMs = isDelayed ? groupInitialRebalanceDelayMs : this.#longestRebalanceMs();
    this.#isDelayed = isDelayed;
    this.#rebalanceTimer = this.#timers.schedule(timeoutMs, () => {
      this.#beginGeneration();
    });
    this.#completeIfAllJoined();
  }

  #completeIfAllJoined(): void {
    if (this.state !== 'PreparingRebalance' || this.#isDelayed || this.#expected.size > 0) return;
    if (this.members.every(({ answerJoin }) => answerJoin !== null)) this.#beginGeneration();
  }

  #beginGeneration(): void {
    this.#rebalanceTimer?.cancel();
    this.#isDelayed = false;
    for (const member of this.members) {
      // A static member is expected back within its session.
      if (member.answerJoin === null && member.groupInstanceId === null) this.#forget(member);
    }
    this.generation++;
    if (this.#members.size === 0) {
      this.#becomeEmpty();
      return;
    }
    const joined = this.members.filter(({ answerJoin }) => answerJoin !== null);
    if (!joined.some(({ memberId }) => memberId === this.leader)) {
      this.leader = joined[0]?.memberId ?? this.leader;
    }
    this.protocol = this.#choose();
    this.state = 'CompletingRebalance';
    for (const member of joined) {
      member.answerJoin?.(this.#joinResponse(member));
      member.answerJoin = null;
      this.#keepAlive(member);
    }
    const { generation } = this;
    this.#rebalanceTimer = this.#timers.schedule(this.#longestRebalanceMs(), () => {
      if (this.generation === generation) this.#expireSyncs();
    });
  }

  #becomeEmpty(): void {
    this.state = 'Empty';
    this.protocol = null;
    this.leader = null;
  }

  /** Who has joined and then does not ask for its assignment is removed. */
  #expireSyncs(): void {
    if (this.state !== 'CompletingRebalance') return;
    for (const member of this.members) if (member.answerSync === null) this.#forget(member);
    this.#prepareRebalance();
  }

  #assign({ assignments }: Complete<SyncGroupRequest>): void {
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    this.#rebalanceTimer?.cancel();
    this.state = 'Stable';
    for (const member of this.members) {
      member.assignment = (byMember.get(member.memberId) ?? NO_ASSIGNMENT).slice();
      if (member.answerSync === null) continue;
      member.answerSync(this.#syncResponse(ERROR.NONE, member.assignment));
      member.answerSync = null;
      this.#keepAlive(member);
    }
  }

  /** Begins the session anew. */
  #keepAlive(member: GroupMemberState): void {
    member.sessionTimer?.cancel();
    member.sessionTimer = this.#timers.schedule(member.sessionTimeoutMs, () => {
      this.#remove(member.memberId);
    });
  }

  #remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    member.answerJoin?.(joinError(ERROR.UNKNOWN_MEMBER_ID, memberId));
    member.answerSync?.(this.#syncResponse(ERROR.UNKNOWN_MEMBER_ID));
    this.#forget(member);
    if (this.state === 'PreparingRebalance') this.#completeIfAllJoined();
    else this.#prepareRebalance();
  }

  #forget(member: GroupMemberState): void {
    member.sessionTimer?.cancel();
    this.#members.delete(member.memberId);
    if (this.leader === member.memberId) this.leader = this.members[0]?.memberId ?? null;
  }

  #longestRebalanceMs(): number {
    return this.members.reduce((max, member) => Math.max(max, member.rebalanceTimeoutMs), 0);
  }

  /** The protocol that most members like best, of those that all of them have. */
  #choose(): string | null {
    const votes = new Map<string, number>();
    for (const { protocols } of this.members) {
      const vote = protocols.find(({ name }) => this.members.every((each) => offers(each, name)));
      if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
  }

  #joinResponse(member: GroupMemberState): JoinGroupResponse {
    const isLeader = member.memberId === this.leader;
    const members = this.members.map(({ memberId, groupInstanceId, protocols }) => ({
      memberId,
      groupInstanceId,
      metadata: protocols.find(({ name }) => name === this.protocol)?.metadata ?? NO_ASSIGNMENT,
    }));
    return {
      throttleTimeMs: 0,
      errorCode: ERROR.NONE,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocol,
      leader: this.leader ?? '',
      skipAssignment: false,
      memberId: member.memberId,
      members: isLeader ? members : [],
    };
  }

  #syncError(request: Complete<SyncGroupRequest>): number {
    const errorCode = this.#memberError(request);
    if (errorCode !== ERROR.NONE) return errorCode;
    if (request.generationId !== this.generation) return ERROR.ILLEGAL_GENERATION;
    const { protocolType, protocolName } = request;
    const isOurs =
      (protocolType ?? this.protocolType) === this.protocolType &&
      (protocolName ?? this.protocol) === this.protocol;
    if (!isOurs) return ERROR.INCONSISTENT_GROUP_PROTOCOL;
    return this.state === 'PreparingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  #syncResponse(errorCode: number, assignment: Uint8Array = NO_ASSIGNMENT): SyncGroupResponse {
    const isGood = errorCode === ERROR.NONE;
    return {
      throttleTimeMs: 0,
      errorCode,
      protocolType: isGood ? this.protocolType : null,
      protocolName: isGood ? this.protocol : null,
      assignment,
    };
  }
}

function offers({ protocols }: GroupMemberState, protocol: string): boolean {
  return protocols.some(({ name }) => name === protocol);
}

export function joinError(errorCode: number, memberId: string): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}
