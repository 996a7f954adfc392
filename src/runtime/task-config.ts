import type { StreamsConfig } from './streams-config.ts';

/** The options of the application that its tasks look at. */
export type TaskConfig = Pick<
  StreamsConfig,
  | 'applicationId'
  | 'defaultKeySerde'
  | 'defaultValueSerde'
  | 'defaultTimestampExtractor'
  | 'deserializationExceptionHandler'
  | 'processingExceptionHandler'
  | 'productionExceptionHandler'
  | 'processingRetries'
  | 'maxTaskIdleMs'
  | 'maxAsyncRecordsPerTask'
  | 'emitIntervalMs'
  | 'processorCloseTimeoutMs'
>;
