import { isStreamsError } from '../../common/errors.ts';
import { decodeSubscription } from '../../wire/consumer-protocol.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { deleteGroups } from '../../wire/messages/delete-groups.ts';
import { describeGroups } from '../../wire/messages/describe-groups.ts';
import { heartbeat } from '../../wire/messages/heartbeat.ts';
import {
  joinGroup,
  type JoinGroupRequestProtocol,
  type JoinGroupResponse,
} from '../../wire/messages/join-group.ts';
import { leaveGroup } from '../../wire/messages/leave-group.ts';
import { listGroups } from '../../wire/messages/list-groups.ts';
import { syncGroup } from '../../wire/messages/sync-group.ts';
import { joinError, type ClassicGroup } from './classic-group.ts';
import type { ClusterState } from './cluster-state.ts';
import { NO_ASSIGNMENT } from './group-member.ts';
import { serve, type ServedApi } from './handler.ts';

const FIRST_WITH_MEMBERS = 3;
const FIRST_WITH_PROTOCOL = 5;
/** Before, a missing name is an empty one. */
const FIRST_WITH_NO_PROTOCOL = 7;
const CONSUMER = 'consumer';
const VERSION_BYTES = 2;
const NO_OPERATIONS = -2_147_483_648;

/** JoinGroup, SyncGroup, Heartbeat, LeaveGroup, and what tells of groups. */
export function serveGroups(cluster: ClusterState): ServedApi[] {
  const { groups } = cluster;
  /** Why a group's coordinator cannot answer here; NONE. */
  const routeError = (groupId: string, node: number): number => {
    if (groupId === '') return ERROR.INVALID_GROUP_ID;
    return cluster.coordinatorOf('group', groupId).id === node ? ERROR.NONE : ERROR.NOT_COORDINATOR;
  };
  return [
    serve(joinGroup, async (request, { node, version, clientId }) => {
      const { groupId, memberId, protocolType, protocols } = request;
      const joined = (response: JoinGroupResponse): JoinGroupResponse =>
        version >= FIRST_WITH_NO_PROTOCOL
          ? response
          : { ...response, protocolName: response.protocolName ?? '' };
      const errorCode = routeError(groupId, node);
      if (errorCode !== ERROR.NONE) return joined(joinError(errorCode, memberId));
      if (groups.get(groupId) === undefined && memberId !== '') {
        return joined(joinError(ERROR.UNKNOWN_MEMBER_ID, memberId));
      }
      // The coordinator's own reader of subscriptions fails, and with it the task that would have answered.
      if (protocolType === CONSUMER && !areSubscriptions(protocols)) return unanswered();
      return joined(await groups.getOrCreate(groupId).join(request, version, clientId));
    }),
    serve(syncGroup, (request, { node, version }) => {
      let errorCode = routeError(request.groupId, node);
      const isNamed = request.protocolType !== null && request.protocolName !== null;
      if (version >= FIRST_WITH_PROTOCOL && !isNamed) errorCode = ERROR.INCONSISTENT_GROUP_PROTOCOL;
      const group = groups.get(request.groupId);
      if (errorCode === ERROR.NONE && group !== undefined) return group.sync(request);
      return {
        throttleTimeMs: 0,
        errorCode: errorCode === ERROR.NONE ? ERROR.UNKNOWN_MEMBER_ID : errorCode,
        protocolType: null,
        protocolName: null,
        assignment: NO_ASSIGNMENT,
      };
    }),
    serve(heartbeat, (request, { node }) => {
      let errorCode = routeError(request.groupId, node);
      if (errorCode === ERROR.NONE) {
        const group = groups.get(request.groupId);
        errorCode = group?.heartbeat(request, request.generationId) ?? ERROR.UNKNOWN_MEMBER_ID;
      }
      return { throttleTimeMs: 0, errorCode };
    }),
    serve(leaveGroup, (request, { node, version }) => {
      const errorCode = routeError(request.groupId, node);
      if (errorCode !== ERROR.NONE) return { throttleTimeMs: 0, errorCode, members: [] };
      const group = groups.get(request.groupId);
      const isMany = version >= FIRST_WITH_MEMBERS;
      const leaving = isMany
        ? request.members
        : [{ memberId: request.memberId, groupInstanceId: null }];
      const members = leaving.map(({ memberId, groupInstanceId }) => ({
        memberId,
        groupInstanceId,
        errorCode: group?.leave({ memberId, groupInstanceId }) ?? ERROR.UNKNOWN_MEMBER_ID,
      }));
      const single = isMany ? ERROR.NONE : (members[0]?.errorCode ?? ERROR.NONE);
      return { throttleTimeMs: 0, errorCode: single, members: isMany ? members : [] };
    }),
    serve(describeGroups, (request, { node, version }) => ({
      throttleTimeMs: 0,
      groups: request.groups.map((groupId) =>
        describeGroup(groupId, groups.get(groupId), routeError(groupId, node), version),
      ),
    })),
    serve(listGroups, ({ statesFilter, typesFilter }, { node }) => ({
      throttleTimeMs: 0,
      errorCode: ERROR.NONE,
      groups: groups
        .all()
        .filter(({ groupId }) => routeError(groupId, node) === ERROR.NONE)
        .filter(({ state }) => statesFilter.length === 0 || statesFilter.includes(state))
        .filter(() => typesFilter.length === 0 || typesFilter.includes('classic'))
        .map(({ groupId, protocolType, state }) => ({
          groupId,
          protocolType: protocolType ?? '',
          groupState: state,
          groupType: 'classic',
        })),
    })),
    serve(deleteGroups, ({ groupsNames }, { node }) => ({
      throttleTimeMs: 0,
      results: groupsNames.map((groupId) => {
        let errorCode = routeError(groupId, node);
        const group = groups.get(groupId);
        if (errorCode === ERROR.NONE && group === undefined) errorCode = ERROR.GROUP_ID_NOT_FOUND;
        if (errorCode === ERROR.NONE && group?.state !== 'Empty') errorCode = ERROR.NON_EMPTY_GROUP;
        if (errorCode === ERROR.NONE) groups.delete(groupId);
        return { groupId, errorCode };
      }),
    })),
  ];
}

function unanswered(): Promise<never> {
  return new Promise(() => undefined);
}

/** Two bytes, or none, are taken for a subscription without topics. */
function areSubscriptions(protocols: readonly JoinGroupRequestProtocol[]): boolean {
  return protocols.every(({ metadata }) => {
    if (metadata.length <= VERSION_BYTES) return true;
    try {
      decodeSubscription(metadata);
      return true;
    } catch (error) {
      if (isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE')) return false;
      throw error;
    }
  });
}

const FIRST_WITH_NOT_FOUND = 6;

function describeGroup(
  groupId: string,
  group: ClassicGroup | undefined,
  errorCode: number,
  version: number,
) {
  const isGone = errorCode === ERROR.NONE && group === undefined;
  const missing = version >= FIRST_WITH_NOT_FOUND ? ERROR.GROUP_ID_NOT_FOUND : ERROR.NONE;
  const known = errorCode === ERROR.NONE ? group : undefined;
  return {
    errorCode: isGone ? missing : errorCode,
    errorMessage: null,
    groupId,
    groupState: known?.state ?? (isGone ? 'Dead' : ''),
    protocolType: known?.protocolType ?? '',
    protocolData: known?.protocol ?? '',
    members: (known?.members ?? []).map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: '/127.0.0.1',
      memberMetadata: member.metadataFor(known?.protocol ?? null),
      memberAssignment: member.assignment,
    })),
    authorizedOperations: NO_OPERATIONS,
  };
}
