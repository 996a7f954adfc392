import type { Timer } from '../../common/clock.ts';
import type { Complete } from '../../wire/api.ts';
import type {
  JoinGroupRequest,
  JoinGroupRequestProtocol,
  JoinGroupResponse,
} from '../../wire/messages/join-group.ts';
import type { SyncGroupResponse } from '../../wire/messages/sync-group.ts';

export const NO_ASSIGNMENT = new Uint8Array(0);

/** One member of a classic group, as its coordinator sees it. */
export class GroupMemberState {
  memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  sessionTimeoutMs = 0;
  rebalanceTimeoutMs = 0;
  protocols: readonly JoinGroupRequestProtocol[] = [];
  assignment: Uint8Array = NO_ASSIGNMENT;
  sessionTimer: Timer | null = null;
  /** Set while its JoinGroup, or SyncGroup, is parked. */
  answerJoin: ((response: JoinGroupResponse) => void) | null = null;
  answerSync: ((response: SyncGroupResponse) => void) | null = null;

  constructor(memberId: string, groupInstanceId: string | null, clientId: string) {
    this.memberId = memberId;
    this.groupInstanceId = groupInstanceId;
    this.clientId = clientId;
  }

  update({ sessionTimeoutMs, rebalanceTimeoutMs, protocols }: Complete<JoinGroupRequest>): void {
    this.sessionTimeoutMs = sessionTimeoutMs;
    this.rebalanceTimeoutMs = rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs;
    // Copies: the request's buffer is not ours.
    this.protocols = protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() }));
  }

  /** Whether it says the same as before, protocol by protocol and byte by byte. */
  offersTheSame(protocols: readonly JoinGroupRequestProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const own = this.protocols[index];
        return own?.name === name && Buffer.compare(own.metadata, metadata) === 0;
      })
    );
  }

  metadataFor(protocol: string | null): Uint8Array {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_ASSIGNMENT;
  }
}
