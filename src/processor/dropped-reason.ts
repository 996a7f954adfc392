/**
 * Why a record was dropped: the `reason` tag of `dropped-records-total`, which Kafka Streams lacks.
 * `docs/metrics.md` lists them.
 */
export type DroppedReason =
  | 'null-key'
  | 'null-value'
  | 'null-join-key'
  | 'stale-response'
  | 'out-of-order'
  | 'late'
  | 'expired-window'
  | 'negative-timestamp'
  | 'deserialization'
  | 'processing'
  | 'production'
  | 'no-partition';
