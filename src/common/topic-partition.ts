export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic-3`: the key of maps by partition, and how Kafka's tools print one. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
