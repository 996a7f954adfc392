/** Where the record being processed was read: after a repartition, the repartition topic. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}
