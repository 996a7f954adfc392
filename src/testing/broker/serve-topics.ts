import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import { createPartitions } from '../../wire/messages/create-partitions.ts';
import { createTopics } from '../../wire/messages/create-topics.ts';
import { deleteTopics } from '../../wire/messages/delete-topics.ts';
import { describeConfigs } from '../../wire/messages/describe-configs.ts';
import { incrementalAlterConfigs } from '../../wire/messages/incremental-alter-configs.ts';
import { ZERO_UUID } from '../../wire/uuid.ts';
import type { ClusterState } from './cluster-state.ts';
import { serve, type ServedApi } from './handler.ts';
import { CONFIG_SOURCE, TopicConfig } from './topic-config.ts';
import type { Topic } from './topics.ts';

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
const FIRST_BY_STATE = 6;
const SET = 0;
const REMOVE = 1;

/** CreateTopics, DeleteTopics, CreatePartitions, DescribeConfigs and IncrementalAlterConfigs. */
export function serveTopics(cluster: ClusterState): ServedApi[] {
  const { topics } = cluster;
  return [
    serve(createTopics, (request) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(
        ({ name, numPartitions, replicationFactor, configs, assignments }) => {
          const partitions = assignments.length > 0 ? assignments.length : numPartitions;
          const config = new Map(configs.map((entry) => [entry.name, entry.value]));
          const wanted = { name, partitions, replicationFactor, config };
          const errorCode = topics.checkNew(wanted);
          const made = errorCode === ERROR.NONE ? topics.create(wanted) : undefined;
          // What is only to be validated is described too, as what it would have been.
          if (made !== undefined && request.validateOnly) topics.delete(made);
          return {
            name,
            topicId: made?.id ?? ZERO_UUID,
            errorCode,
            errorMessage: null,
            topicConfigErrorCode: ERROR.NONE,
            numPartitions: made?.partitions.length ?? -1,
            replicationFactor: made === undefined ? -1 : 1,
            configs: made === undefined ? [] : configsOf(made),
          };
        },
      ),
    })),
    serve(deleteTopics, (request, { version }) => {
      const asked =
        version >= FIRST_BY_STATE
          ? request.topics
          : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
      const responses = asked.map(({ name, topicId }) => {
        const topic = name === null ? topics.byId(topicId) : topics.get(name);
        const missing = name === null ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
        if (topic !== undefined) topics.delete(topic);
        return {
          name: topic?.name ?? name,
          topicId: topic?.id ?? topicId,
          errorCode: topic === undefined ? missing : ERROR.NONE,
          errorMessage: null,
        };
      });
      return { throttleTimeMs: 0, responses };
    }),
    serve(createPartitions, (request) => ({
      throttleTimeMs: 0,
      results: request.topics.map(({ name, count }) => {
        const topic = topics.get(name);
        const isMore = topic !== undefined && count > topic.partitions.length;
        if (isMore && !request.validateOnly) topics.grow(topic, count);
        const refusal =
          topic === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.INVALID_PARTITIONS;
        return { name, errorCode: isMore ? ERROR.NONE : refusal, errorMessage: null };
      }),
    })),
    serve(describeConfigs, ({ resources }) => ({
      throttleTimeMs: 0,
      results: resources.map(({ resourceType, resourceName, configurationKeys }) => {
        const topic = resourceType === TOPIC_RESOURCE ? topics.get(resourceName) : undefined;
        const all = topic === undefined ? brokerConfigs(cluster, resourceType) : configsOf(topic);
        const configs = all.filter(({ name }) => configurationKeys?.includes(name) ?? true);
        const isMissing = resourceType === TOPIC_RESOURCE && topic === undefined;
        const errorCode = isMissing ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE;
        return { errorCode, errorMessage: null, resourceType, resourceName, configs };
      }),
    })),
    serve(incrementalAlterConfigs, ({ resources, validateOnly }) => ({
      throttleTimeMs: 0,
      responses: resources.map(({ resourceType, resourceName, configs }) => {
        const topic = resourceType === TOPIC_RESOURCE ? topics.get(resourceName) : undefined;
        const errorCode = alterError(topic, configs);
        if (errorCode === ERROR.NONE && !validateOnly) {
          for (const { name, value, configOperation } of configs) {
            topic?.config.set(name, configOperation === REMOVE ? null : value);
          }
        }
        return { errorCode, errorMessage: null, resourceType, resourceName };
      }),
    })),
  ];
}

interface DescribedConfig {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: [];
  readonly configType: number;
  readonly documentation: null;
}

function configsOf({ config }: Topic): readonly DescribedConfig[] {
  return config
    .entries()
    .map(({ name, value, isDefault, configType }) => describe(name, value, isDefault, configType));
}

/** What a client may want to know of a broker. */
function brokerConfigs({ settings }: ClusterState, resourceType: number): DescribedConfig[] {
  if (resourceType !== BROKER_RESOURCE) return [];
  const int = 3;
  return [
    describe('transaction.max.timeout.ms', String(settings.transactionMaxTimeoutMs), true, int),
    describe('group.min.session.timeout.ms', String(settings.groupMinSessionTimeoutMs), true, int),
    describe('group.max.session.timeout.ms', String(settings.groupMaxSessionTimeoutMs), true, int),
    describe('offset.metadata.max.bytes', String(settings.offsetMetadataMaxBytes), true, int),
    describe('default.replication.factor', '1', true, int),
    describe('num.partitions', String(settings.numPartitions), true, int),
  ];
}

function describe(
  name: string,
  value: string,
  isDefault: boolean,
  configType: number,
): DescribedConfig {
  return {
    name,
    value,
    readOnly: false,
    configSource: isDefault ? CONFIG_SOURCE.default : CONFIG_SOURCE.topic,
    isSensitive: false,
    synonyms: [],
    configType,
    documentation: null,
  };
}

function alterError(
  topic: Topic | undefined,
  configs: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly configOperation: number;
  }[],
): number {
  if (topic === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  for (const { name, value, configOperation } of configs) {
    if (configOperation === REMOVE) continue;
    // Appending to and taking from lists is not offered here.
    const errorCode =
      configOperation === SET ? TopicConfig.check(name, value) : ERROR.INVALID_REQUEST;
    if (errorCode !== ERROR.NONE) return errorCode;
  }
  return ERROR.NONE;
}
