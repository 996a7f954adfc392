/** Java class of each tool of Kafka's bin folder; two where it moved in 4.0: since then, and before. */
const TOOLS = {
  'kafka-acls': ['org.apache.kafka.tools.AclCommand', 'kafka.admin.AclCommand'],
  'kafka-broker-api-versions': [
    'org.apache.kafka.tools.BrokerApiVersionsCommand',
    'kafka.admin.BrokerApiVersionsCommand',
  ],
  'kafka-configs': ['kafka.admin.ConfigCommand'],
  'kafka-console-consumer': ['org.apache.kafka.tools.consumer.ConsoleConsumer'],
  'kafka-consumer-groups': ['org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'],
  'kafka-delete-records': ['org.apache.kafka.tools.DeleteRecordsCommand'],
  'kafka-dump-log': ['org.apache.kafka.tools.DumpLogSegments', 'kafka.tools.DumpLogSegments'],
  'kafka-features': ['org.apache.kafka.tools.FeatureCommand'],
  'kafka-get-offsets': ['org.apache.kafka.tools.GetOffsetShell'],
  'kafka-leader-election': ['org.apache.kafka.tools.LeaderElectionCommand'],
  'kafka-log-dirs': ['org.apache.kafka.tools.LogDirsCommand'],
  'kafka-metadata-quorum': ['org.apache.kafka.tools.MetadataQuorumCommand'],
  'kafka-reassign-partitions': ['org.apache.kafka.tools.reassign.ReassignPartitionsCommand'],
  'kafka-storage': ['kafka.tools.StorageTool'],
  'kafka-streams-application-reset': ['org.apache.kafka.tools.StreamsResetter'],
  'kafka-topics': ['org.apache.kafka.tools.TopicCommand'],
  'kafka-transactions': ['org.apache.kafka.tools.TransactionsCommand'],
} as const satisfies Record<string, readonly [current: string, before4?: string]>;

/** The command-line tools of Kafka that `KafkaBroker.tool` knows by name. */
export type KafkaTool = keyof typeof TOOLS;

const WITHOUT_BOOTSTRAP: ReadonlySet<string> = new Set(['kafka-dump-log', 'kafka-storage']);

/** The main class of a tool; a name that is not in the list is taken for a class. */
export function toolClass(name: string, version: string): string {
  if (!isKafkaTool(name)) return name;
  const [current, before4 = current] = TOOLS[name] as readonly [string, string?]; // as const hides the optional
  return version.startsWith('3.') ? before4 : current;
}

/** The arguments with the bootstrap server, for a tool that we know to take one and that does not have it yet. */
export function toolArguments(name: string, args: readonly string[], brokers: string): string[] {
  const takesBootstrap = isKafkaTool(name) && !WITHOUT_BOOTSTRAP.has(name);
  if (!takesBootstrap || args.includes('--bootstrap-server')) return [...args];
  return ['--bootstrap-server', brokers, ...args];
}

function isKafkaTool(name: string): name is KafkaTool {
  return Object.hasOwn(TOOLS, name);
}
