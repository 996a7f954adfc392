import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { apiVersions } from '../../wire/messages/api-versions.ts';
import { describeCluster } from '../../wire/messages/describe-cluster.ts';
import { findCoordinator } from '../../wire/messages/find-coordinator.ts';
import { metadata, type MetadataResponseTopic } from '../../wire/messages/metadata.ts';
import { ZERO_UUID } from '../../wire/uuid.ts';
import type { ClusterState, CoordinatorKind } from './cluster-state.ts';
import { serve, type ServedApi } from './handler.ts';
import type { Topic } from './topics.ts';

const NO_OPERATIONS = -2_147_483_648;
const BROKERS = 1;
const COORDINATOR_KINDS: readonly CoordinatorKind[] = ['group', 'transaction'];
const FIRST_WITH_KEYS = 4;

/** ApiVersions, Metadata, DescribeCluster and FindCoordinator: who is there, and who does what. */
export function serveCluster(
  cluster: ClusterState,
  offered: () => Iterable<ServedApi>,
): ServedApi[] {
  const upNodes = (): { nodeId: number; host: string; port: number; rack: null }[] =>
    [...cluster.nodes.values()]
      .filter(({ isUp }) => isUp)
      .map(({ id, host, port }) => ({ nodeId: id, host, port, rack: null }));
  const controllerId = (): number => upNodes()[0]?.nodeId ?? -1;
  return [
    serve(apiVersions, () => ({
      errorCode: ERROR.NONE,
      apiKeys: [...offered()].map(({ key, minVersion, maxVersion }) => ({
        apiKey: key,
        minVersion,
        maxVersion,
      })),
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: 1,
      finalizedFeatures:
        cluster.settings.version === '3.9'
          ? []
          : [{ name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 }],
      zkMigrationReady: false,
    })),
    serve(metadata, ({ topics, allowAutoTopicCreation }) => ({
      throttleTimeMs: 0,
      brokers: upNodes(),
      clusterId: cluster.clusterId,
      controllerId: controllerId(),
      topics:
        topics === null
          ? cluster.topics.all().map((topic) => describeTopic(cluster, topic))
          : topics.map(({ name, topicId }) => {
              if (name === null) return describeById(cluster, topicId);
              const topic =
                cluster.topics.get(name) ?? create(cluster, name, allowAutoTopicCreation);
              return topic === undefined
                ? missingTopic(name, ZERO_UUID, ERROR.UNKNOWN_TOPIC_OR_PARTITION)
                : describeTopic(cluster, topic);
            }),
      clusterAuthorizedOperations: NO_OPERATIONS,
      errorCode: ERROR.NONE,
    })),
    serve(describeCluster, () => ({
      throttleTimeMs: 0,
      errorCode: ERROR.NONE,
      errorMessage: null,
      endpointType: BROKERS,
      clusterId: cluster.clusterId,
      controllerId: controllerId(),
      brokers: upNodes().map(({ nodeId, ...node }) => ({
        brokerId: nodeId,
        ...node,
        isFenced: false,
      })),
      clusterAuthorizedOperations: NO_OPERATIONS,
    })),
    serve(findCoordinator, ({ key, keyType, coordinatorKeys }, { version }) => {
      const keys = version >= FIRST_WITH_KEYS ? coordinatorKeys : [key];
      const kind = COORDINATOR_KINDS[keyType];
      const coordinators = keys.map((each) => {
        if (kind === undefined) return noCoordinator(each);
        const { id, host, port } = cluster.coordinatorOf(kind, each);
        return { key: each, nodeId: id, host, port, errorCode: ERROR.NONE, errorMessage: null };
      });
      const single = coordinators[0] ?? noCoordinator(key);
      return {
        throttleTimeMs: 0,
        ...single,
        coordinators: version >= FIRST_WITH_KEYS ? coordinators : [],
      };
    }),
  ];
}

function noCoordinator(key: string): {
  key: string;
  nodeId: number;
  host: string;
  port: number;
  errorCode: number;
  errorMessage: null;
} {
  const errorCode = ERROR.INVALID_REQUEST;
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage: null };
}

function create(cluster: ClusterState, name: string, isAllowed: boolean): Topic | undefined {
  const wanted = { name, partitions: -1, replicationFactor: -1, config: new Map<string, string>() };
  if (!isAllowed || !cluster.settings.autoCreateTopics) return undefined;
  return cluster.topics.checkNew(wanted) === ERROR.NONE ? cluster.topics.create(wanted) : undefined;
}

function describeById(cluster: ClusterState, topicId: string): MetadataResponseTopic {
  const topic = cluster.topics.byId(topicId);
  return topic === undefined
    ? missingTopic(null, topicId, ERROR.UNKNOWN_TOPIC_ID)
    : describeTopic(cluster, topic);
}

function describeTopic(cluster: ClusterState, topic: Topic): MetadataResponseTopic {
  return {
    errorCode: ERROR.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: topic.partitions.map(({ partition, leader, leaderEpoch }) => {
      const isUp = cluster.nodes.get(leader)?.isUp === true;
      return {
        errorCode: isUp ? ERROR.NONE : ERROR.LEADER_NOT_AVAILABLE,
        partitionIndex: partition,
        leaderId: isUp ? leader : -1,
        leaderEpoch,
        replicaNodes: [leader],
        isrNodes: [leader],
        offlineReplicas: isUp ? [] : [leader],
      };
    }),
    topicAuthorizedOperations: NO_OPERATIONS,
  };
}

function missingTopic(
  name: string | null,
  topicId: string,
  errorCode: number,
): MetadataResponseTopic {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: NO_OPERATIONS,
  };
}
