// The public surface of `millrace`.

export { KafkaStreams } from './kafka-streams.ts';
export type { CloseOptions, StreamsMetrics, TopologySource } from './kafka-streams.ts';
export type { KafkaStreamsOptions } from './instance-ports.ts';
export type { RestoreEvent, RestoreListener } from './runtime/restore-listener.ts';
export type {
  ProcessingGuarantee,
  StreamsOptions,
  UncaughtExceptionHandler,
  UncaughtExceptionResponse,
} from './runtime/streams-config.ts';
export type { StateListener, StreamsState } from './runtime/streams-state.ts';
export type { HistogramSummary, MetricSample } from './observability/metrics-registry.ts';
export { SILENT_LOGGER } from './observability/logger.ts';
export type { Logger } from './observability/logger.ts';
export { CompressionCodecs } from './wire/compression.ts';
export type { CompressionCodec, CompressionName } from './wire/compression.ts';

export type { Change } from './common/change.ts';
export type { Duration } from './common/duration.ts';
export { isStreamsError, StreamsError } from './common/errors.ts';
export type { ErrorCode, ErrorSite, Recovery } from './common/errors.ts';
export { StreamRecord } from './common/record.ts';
export type { Headers } from './common/record.ts';
export { TimeWindows } from './common/time-windows.ts';
export type { TimeWindowsOptions } from './common/time-windows.ts';
export { Windowed } from './common/windowed.ts';

export { serdes } from './serde/serdes.ts';
export type { Serde, Serdes, SerdeSite } from './serde/serde.ts';
export type { StandardSchema } from './serde/standard-schema.ts';

export { GlobalKTable } from './dsl/global-ktable.ts';
export { KGroupedStream } from './dsl/kgrouped-stream.ts';
export { KGroupedTable } from './dsl/kgrouped-table.ts';
export { KStream } from './dsl/kstream.ts';
export { KTable } from './dsl/ktable.ts';
export type { BuildOptions, TopologyOptimization } from './dsl/optimizations.ts';
export { StreamsBuilder } from './dsl/streams-builder.ts';
export { TimeWindowedKStream } from './dsl/time-windowed-kstream.ts';
export type {
  Consumed,
  Grouped,
  Joined,
  LoggingOptions,
  Materialized,
  Produced,
  Repartitioned,
  StoreOptions,
  WindowMaterialized,
  WindowStoreOptions,
} from './dsl/options.ts';
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
export type { StoreBuilder } from './state/store-builder.ts';
export { Stores } from './state/stores.ts';
export type { StoreOptions as ProcessorStoreOptions } from './state/stores.ts';
export type { Timestamped } from './state/table-store.ts';
export type { ReadOnlyWindowStore, TimeRange, WindowStore } from './state/window-store.ts';
