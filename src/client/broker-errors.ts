import { StreamsError, type ErrorCode, type ErrorSite } from '../common/errors.ts';

import { KAFKA_ERRORS as ERROR, describeErrorCode } from '../wire/error-codes.ts';

/** The coordinator moved, is loading or is not elected yet: find it again and send again. */
const COORDINATOR_MOVED: ReadonlySet<number> = new Set([
  ERROR.COORDINATOR_LOAD_IN_PROGRESS,
  ERROR.COORDINATOR_NOT_AVAILABLE,
  ERROR.NOT_COORDINATOR,
]);

/** Our idea of a partition's leader is old, or it has none: refresh the metadata and send again. */
const LEADER_MOVED: ReadonlySet<number> = new Set([
  ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ERROR.LEADER_NOT_AVAILABLE,
  ERROR.NOT_LEADER_OR_FOLLOWER,
  ERROR.REPLICA_NOT_AVAILABLE,
  ERROR.KAFKA_STORAGE_ERROR,
  ERROR.FENCED_LEADER_EPOCH,
  ERROR.UNKNOWN_LEADER_EPOCH,
  ERROR.UNKNOWN_TOPIC_ID,
]);

/** The broker is busy or short of replicas: the same request may succeed later. */
const BUSY: ReadonlySet<number> = new Set([
  ERROR.UNKNOWN_SERVER_ERROR,
  ERROR.REQUEST_TIMED_OUT,
  ERROR.BROKER_NOT_AVAILABLE,
  ERROR.NETWORK_EXCEPTION,
  ERROR.NOT_ENOUGH_REPLICAS,
  ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ERROR.NOT_CONTROLLER,
  ERROR.CONCURRENT_TRANSACTIONS,
  ERROR.OFFSET_NOT_AVAILABLE,
  ERROR.UNSTABLE_OFFSET_COMMIT,
  ERROR.THROTTLING_QUOTA_EXCEEDED,
  ERROR.OPERATION_NOT_ATTEMPTED,
]);

export function coordinatorMoved(errorCode: number): boolean {
  return COORDINATOR_MOVED.has(errorCode);
}

export function leaderMoved(errorCode: number): boolean {
  return LEADER_MOVED.has(errorCode);
}

export function isRetriable(errorCode: number): boolean {
  return COORDINATOR_MOVED.has(errorCode) || LEADER_MOVED.has(errorCode) || BUSY.has(errorCode);
}

/** What an answer's error code means where the API says nothing special. */
const MEANING: ReadonlyMap<number, readonly [code: ErrorCode, advice: string]> = new Map([
  // Another member of the group, or the coordinator, has taken our place.
  [
    ERROR.ILLEGAL_GENERATION,
    ['STREAMS_TASK_MIGRATED', 'the group has gone on without this member'],
  ],
  [ERROR.UNKNOWN_MEMBER_ID, ['STREAMS_TASK_MIGRATED', 'the group has dropped this member']],
  [ERROR.REBALANCE_IN_PROGRESS, ['STREAMS_TASK_MIGRATED', 'the group is rebalancing']],
  [
    ERROR.FENCED_INSTANCE_ID,
    ['STREAMS_TASK_MIGRATED', 'another process has taken over this group.instance.id'],
  ],
  // The coordinator has forgotten the id, so its transaction is gone too.
  [
    ERROR.INVALID_PRODUCER_ID_MAPPING,
    ['STREAMS_TASK_MIGRATED', 'the coordinator has expired this producer id'],
  ],
  // A timeout abort and a fence give the same code; the generation tells them apart at the next commit.
  [
    ERROR.INVALID_PRODUCER_EPOCH,
    [
      'STREAMS_TXN_TIMEOUT',
      'the transaction was ended by its timeout or by another producer of the same transactional.id',
    ],
  ],
  [
    ERROR.PRODUCER_FENCED,
    [
      'STREAMS_TXN_TIMEOUT',
      'the transaction was ended by its timeout or by another producer of the same transactional.id',
    ],
  ],
  [
    ERROR.INVALID_TXN_STATE,
    ['STREAMS_TXN_TIMEOUT', 'the coordinator has no such transaction open'],
  ],
  [
    ERROR.TRANSACTION_ABORTABLE,
    ['STREAMS_TXN_TIMEOUT', 'the broker wants this transaction aborted'],
  ],
  // Batches were lost between us and the log: what is in memory cannot be trusted.
  [
    ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ['STREAMS_TASK_CORRUPTED', 'the log misses a batch of this producer'],
  ],
  [
    ERROR.UNKNOWN_PRODUCER_ID,
    ['STREAMS_TASK_CORRUPTED', 'the log has lost the state of this producer'],
  ],
  [
    ERROR.DUPLICATE_SEQUENCE_NUMBER,
    [
      'STREAMS_TASK_CORRUPTED',
      'the batch is a duplicate of one whose offset is not known any more',
    ],
  ],
  // Credentials. kafkajs takes an OAUTHBEARER token that was refused for accepted: the broker's refusal is a challenge,
  // and the next request finds the exchange unfinished.
  [
    ERROR.ILLEGAL_SASL_STATE,
    [
      'STREAMS_AUTHENTICATION',
      'it has not accepted the credentials, an OAUTHBEARER token that has expired for instance; check `sasl`',
    ],
  ],
  [
    ERROR.UNSUPPORTED_SASL_MECHANISM,
    ['STREAMS_AUTHENTICATION', 'choose another mechanism in `sasl`'],
  ],
  [ERROR.SASL_AUTHENTICATION_FAILED, ['STREAMS_AUTHENTICATION', 'check `sasl`']],
  [
    ERROR.TOPIC_AUTHORIZATION_FAILED,
    ['STREAMS_AUTHORIZATION', 'grant the principal Read, or for outputs Write, on the topic'],
  ],
  [
    ERROR.GROUP_AUTHORIZATION_FAILED,
    ['STREAMS_AUTHORIZATION', 'grant the principal Read on the group'],
  ],
  [
    ERROR.CLUSTER_AUTHORIZATION_FAILED,
    [
      'STREAMS_AUTHORIZATION',
      'grant the principal IdempotentWrite, or for topics Create, on the cluster',
    ],
  ],
  [
    ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ['STREAMS_AUTHORIZATION', 'grant the principal Write and Describe on the transactional id'],
  ],
  [
    ERROR.OFFSET_OUT_OF_RANGE,
    ['STREAMS_OFFSET_OUT_OF_RANGE', 'records were deleted, or the log was truncated'],
  ],
  [ERROR.CORRUPT_MESSAGE, ['STREAMS_CORRUPT_MESSAGE', 'the broker found a broken batch']],
  [
    ERROR.MESSAGE_TOO_LARGE,
    ['STREAMS_RECORD_TOO_LARGE', 'raise max.message.bytes of the topic or send less'],
  ],
  [
    ERROR.RECORD_LIST_TOO_LARGE,
    ['STREAMS_RECORD_TOO_LARGE', 'raise segment.bytes of the topic or send less'],
  ],
  [
    ERROR.INVALID_TIMESTAMP,
    [
      'STREAMS_INVALID_TIMESTAMP',
      'the topic does not take this timestamp: see message.timestamp.after.max.ms',
    ],
  ],
  [
    ERROR.UNSUPPORTED_COMPRESSION_TYPE,
    ['STREAMS_CODEC_MISSING', 'broker and client share no way to carry this compression'],
  ],
  [
    ERROR.INVALID_RECORD,
    [
      'STREAMS_PRODUCTION',
      'the topic refuses the record, a compacted one without a key for instance',
    ],
  ],
  [
    ERROR.INVALID_TOPIC_EXCEPTION,
    ['STREAMS_PRODUCTION', 'the broker takes no such topic name, or nobody may write to it'],
  ],
  [
    ERROR.INVALID_TRANSACTION_TIMEOUT,
    [
      'STREAMS_CONFIG',
      'transactionTimeoutMs must not exceed transaction.max.timeout.ms of the broker',
    ],
  ],
  [
    ERROR.OFFSET_METADATA_TOO_LARGE,
    ['STREAMS_CONFIG', 'offset metadata is longer than offset.metadata.max.bytes of the broker'],
  ],
  [
    ERROR.INVALID_SESSION_TIMEOUT,
    [
      'STREAMS_CONFIG',
      'sessionTimeoutMs must lie between group.min.session.timeout.ms and group.max.session.timeout.ms of the broker',
    ],
  ],
  [ERROR.INVALID_GROUP_ID, ['STREAMS_CONFIG', 'the broker does not take this group id']],
  [
    ERROR.GROUP_MAX_SIZE_REACHED,
    ['STREAMS_CONFIG', 'the group is full: see group.max.size of the broker'],
  ],
  [
    ERROR.INVALID_PARTITIONS,
    ['STREAMS_CONFIG', 'the broker does not take this number of partitions'],
  ],
  [
    ERROR.INVALID_REPLICATION_FACTOR,
    ['STREAMS_CONFIG', 'replicationFactor must not exceed the number of brokers'],
  ],
  [ERROR.INVALID_CONFIG, ['STREAMS_CONFIG', 'the broker does not take this topic config']],
  [ERROR.POLICY_VIOLATION, ['STREAMS_CONFIG', 'a policy of the broker forbids it']],
  [ERROR.UNSUPPORTED_VERSION, ['STREAMS_BROKER_UNSUPPORTED', 'the broker is too old for it']],
]);

/** Which ACL on the topic an API wants where its refusal says no more than that one is missing (docs/security.md). */
const TOPIC_OPERATION: ReadonlyMap<string, string> = new Map([
  ['AddPartitionsToTxn', 'Write'],
  ['CreateTopics', 'Create'],
  ['DeleteRecords', 'Delete'],
  ['DescribeConfigs', 'DescribeConfigs'],
  ['Fetch', 'Read'],
  ['ListOffsets', 'Describe'],
  ['OffsetCommit', 'Read'],
  ['Produce', 'Write'],
  ['TxnOffsetCommit', 'Read'],
]);

export interface BrokerErrorContext {
  /** `TxnOffsetCommit`, say. */
  readonly api: string;
  readonly site?: ErrorSite;
  /** The broker's own text, if it sent one. */
  readonly detail?: string | null;
}

/**
 * The error for a code in an answer: `STREAMS_CLIENT` (retry) for what passes, else what the table above says, and
 * `STREAMS_CLIENT` no more but `STREAMS_BROKER_UNSUPPORTED` for a code that we do not know what to do about.
 */
export function brokerError(errorCode: number, context: BrokerErrorContext): StreamsError {
  const { api, detail } = context;
  const site = { api, ...context.site };
  const answer = describeErrorCode(errorCode);
  const said =
    detail === undefined || detail === null || detail === '' ? '' : `; it says: ${detail}`;
  if (isRetriable(errorCode)) {
    return new StreamsError('STREAMS_CLIENT', `the broker answered ${answer}${said}`, { site });
  }
  const [code, meaning] = MEANING.get(errorCode) ?? [
    'STREAMS_BROKER_UNSUPPORTED',
    'millrace does not know this answer here; report it with the versions of broker and millrace',
  ];
  const operation =
    errorCode === ERROR.TOPIC_AUTHORIZATION_FAILED ? TOPIC_OPERATION.get(api) : undefined;
  const advice =
    operation === undefined ? meaning : `grant the principal ${operation} on the topic`;
  return new StreamsError(code, `the broker answered ${answer}: ${advice}${said}`, { site });
}
