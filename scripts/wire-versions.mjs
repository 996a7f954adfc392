/**
 * The versions that we speak. Below Kafka's newest on purpose: Produce 13, OffsetCommit 10 and OffsetFetch 10 name
 * topics by id only; AddPartitionsToTxn 4 and up is for brokers; Fetch 18 and ListOffsets 10 and up serve followers and
 * tiered storage; FindCoordinator 6 serves share groups; InitProducerId 6 is not stable.
 */
export const APIS = {
  Produce: [3, 12],
  Fetch: [4, 17],
  ListOffsets: [1, 9],
  Metadata: [5, 13],
  OffsetCommit: [2, 9],
  OffsetFetch: [1, 9],
  FindCoordinator: [0, 5],
  JoinGroup: [2, 9],
  Heartbeat: [0, 4],
  LeaveGroup: [0, 5],
  SyncGroup: [0, 5],
  DescribeGroups: [0, 6],
  ListGroups: [0, 5],
  ApiVersions: [0, 4],
  CreateTopics: [2, 7],
  DeleteTopics: [1, 6],
  DeleteRecords: [0, 2],
  InitProducerId: [0, 5],
  OffsetForLeaderEpoch: [2, 4],
  AddPartitionsToTxn: [0, 3],
  AddOffsetsToTxn: [0, 4],
  EndTxn: [0, 5],
  TxnOffsetCommit: [0, 5],
  DescribeConfigs: [1, 4],
  CreatePartitions: [0, 3],
  DeleteGroups: [0, 2],
  IncrementalAlterConfigs: [0, 1],
  OffsetDelete: [0, 0],
  DescribeCluster: [0, 2],
  DescribeProducers: [0, 0],
  DescribeTransactions: [0, 0],
  ListTransactions: [0, 2],
};

/** What group members send each other through the broker. */
export const SCHEMAS = {
  ConsumerProtocolSubscription: [0, 3],
  ConsumerProtocolAssignment: [0, 3],
};
