// The public surface of `millrace`.

export { KafkaStreams } from './kafka-streams.ts';
export type { CloseOptions, StreamsMetrics, TopologySource } from './kafka-streams.ts';
export type { KafkaStreamsOptions } from './instance-ports.ts';
export type { RestoreEvent, RestoreListener } from './runtime/restore-listener.ts';
export type {
  ProcessingGuarantee,
  StreamsConfig,
  StreamsOptions,
  UncaughtExceptionHandler,
  UncaughtExceptionResponse,
} from './runtime/streams-config.ts';
export type { StateListener, StreamsState } from './runtime/streams-state.ts';
export type { HistogramSummary, MetricSample } from './observability/metrics-registry.ts';
export type { Counter, MetricTags } from './observability/metrics.ts';
export { SILENT_LOGGER } from './observability/logger.ts';
export type { Logger } from './observability/logger.ts';
export { CompressionCodecs } from './wire/compression.ts';
export type { CompressionCodec, CompressionName } from './wire/compression.ts';

export type { Change } from './common/change.ts';
export type { Clock } from './common/clock.ts';
export type { Duration } from './common/duration.ts';
export { isStreamsError, StreamsError } from './common/errors.ts';
export type { ErrorCode, ErrorSite, Recovery, StreamsErrorOptions } from './common/errors.ts';
export { StreamRecord } from './common/record.ts';
export type { Headers } from './common/record.ts';
export { JoinWindows } from './common/join-windows.ts';
export type { JoinWindowsOptions } from './common/join-windows.ts';
export { SessionWindows } from './common/session-windows.ts';
export type { SessionWindowsOptions } from './common/session-windows.ts';
export { SlidingWindows } from './common/sliding-windows.ts';
export type { SlidingWindowsOptions } from './common/sliding-windows.ts';
export { TimeWindows } from './common/time-windows.ts';
export type { TimeWindowsOptions } from './common/time-windows.ts';
export { UnlimitedWindows } from './common/unlimited-windows.ts';
export type { UnlimitedWindowsOptions } from './common/unlimited-windows.ts';
export { Windowed } from './common/windowed.ts';

export { serdes } from './serde/serdes.ts';
export type { Serde, Serdes, SerdeSite } from './serde/serde.ts';
export type { SessionWindowedSerde } from './serde/session-windowed-serde.ts';
export type { StandardSchema, StandardSchemaIssue, StandardSchemaResult } from './serde/standard-schema.ts';
export type { TimeWindowedOptions, TimeWindowedSerde } from './serde/time-windowed-serde.ts';

export { BranchedKStream } from './dsl/branched-kstream.ts';
export type { Branched, Branches } from './dsl/branched-kstream.ts';
export { CogroupedKStream } from './dsl/cogrouped-kstream.ts';
export { GlobalKTable } from './dsl/global-ktable.ts';
export { KGroupedStream } from './dsl/kgrouped-stream.ts';
export { KGroupedTable } from './dsl/kgrouped-table.ts';
export { KStream } from './dsl/kstream.ts';
export { KTable } from './dsl/ktable.ts';
export type { TableOptions } from './dsl/ktable.ts';
export { SessionWindowedCogroupedKStream } from './dsl/session-windowed-cogrouped-kstream.ts';
export { SessionWindowedKStream } from './dsl/session-windowed-kstream.ts';
export type { BuildOptions, TopologyOptimization } from './dsl/optimizations.ts';
export { StreamsBuilder } from './dsl/streams-builder.ts';
export { Suppressed } from './dsl/suppressed.ts';
export type {
  EagerSuppressBuffer,
  SuppressBuffer,
  SuppressedUntilTimeLimit,
  SuppressedUntilWindowCloses,
} from './dsl/suppressed.ts';
export { TimeWindowedCogroupedKStream } from './dsl/time-windowed-cogrouped-kstream.ts';
export { TimeWindowedKStream } from './dsl/time-windowed-kstream.ts';
export type { AnyTimeWindows } from './dsl/window-plan.ts';
export type {
  Consumed,
  Grouped,
  Joined,
  KeySerdeFor,
  LoggingOptions,
  Materialized,
  Named,
  Produced,
  Repartitioned,
  SerdePart,
  SerdesFor,
  StoreOptions,
  VersionedOptions,
  StreamJoined,
  TableJoined,
  ValueSerdeFor,
  WindowMaterialized,
  WindowStoreOptions,
} from './dsl/options.ts';
export type { KeyValue } from './operators/map.ts';
export type { EmitStrategy } from './operators/window-close.ts';
export { Topology } from './topology/topology.ts';
export type {
  GlobalStoreOptions,
  ReadOnlyStoreOptions,
  SinkOptions,
  SourceOptions,
  TopicSelection,
} from './topology/topology.ts';
export type {
  NodeDescription,
  SubtopologyDescription,
  TopologyDescription,
} from './topology/topology-description.ts';
export type { OffsetReset } from './topology/topology-plan.ts';

export { logAndContinue, logAndFail } from './processor/error-handlers.ts';
export type {
  ErrorHandler,
  ErrorHandlerContext,
  ErrorHandlerResponse,
} from './processor/error-handlers.ts';
export type {
  CreateFixedKeyProcessor,
  FixedKeyProcessor,
  FixedKeyProcessorSupplier,
} from './processor/fixed-key-processor.ts';
export type { FixedKeyRecord } from './processor/fixed-key-record.ts';
export type { CreateProcessor, Processor, ProcessorSupplier } from './processor/processor.ts';
export type {
  FixedKeyProcessorContext,
  ProcessingContext,
  ProcessorContext,
} from './processor/processor-context.ts';
export type {
  Cancellable,
  PunctuationType,
  Punctuator,
  ScheduleOptions,
} from './processor/punctuator.ts';
export type { RecordMetadata } from './processor/record-metadata.ts';
export type { StreamPartitioner } from './processor/stream-partitioner.ts';
export type { ExtractedRecord, TimestampExtractor } from './processor/timestamp-extractor.ts';
export {
  failOnInvalidTimestamp,
  logAndSkipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
  wallclockTimestamp,
} from './processor/timestamp-extractors.ts';
export type { RecordContext, TopicNameExtractor } from './processor/topic-name-extractor.ts';

export type { KeyRange, KeyValueStore, ReadOnlyKeyValueStore } from './state/key-value-store.ts';
export type { ReadOnlySessionStore, SessionStore } from './state/session-store.ts';
export type { ChangelogOptions, StoreBuilder, StoreKind } from './state/store-builder.ts';
export { Stores } from './state/stores.ts';
export type {
  SessionStoreOptions,
  StoreOptions as ProcessorStoreOptions,
  VersionedStoreOptions,
  WindowStoreOptions as ProcessorWindowStoreOptions,
} from './state/stores.ts';
export type { Timestamped } from './state/table-store.ts';
export type {
  VersionedKeyValueStore,
  VersionedPut,
  VersionedRecord,
} from './state/versioned-key-value-store.ts';
export type { ReadOnlyWindowStore, TimeRange, WindowStore } from './state/window-store.ts';
