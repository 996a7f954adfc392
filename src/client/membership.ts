import { invariant } from '../common/errors.ts';

/** Who we are in a group, as of one assignment. Offsets are committed under it, and refused once the group has gone on. */
export interface Membership {
  readonly groupId: string;
  readonly memberId: string;
  readonly generationId: number;
  readonly groupInstanceId: string | null;
}

/** The broker takes offsets of nobody, `("", -1)`, even while the group is alive: so they must never be sent. */
export function assertMember({ memberId, generationId }: Membership): void {
  invariant(
    memberId !== '' && generationId >= 0,
    'offsets are committed by a member of a generation only',
  );
}
