import { isStreamsError, type StreamsError } from '../../../src/common/errors.ts';
import { parseStreamsConfig } from '../../../src/runtime/streams-config.ts';

const REQUIRED = { applicationId: 'orders', brokers: ['localhost:9092'] };

/** The error that a set of options, typed or not, is refused with. */
function refusal(options: object): StreamsError {
  try {
    parseStreamsConfig({ ...REQUIRED, ...options }); // deliberately wrong options
  } catch (error) {
    if (isStreamsError(error, 'STREAMS_CONFIG')) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

describe('streams config', () => {
  test('has the defaults of Kafka Streams', () => {
    expect(parseStreamsConfig(REQUIRED)).toMatchObject({
      processingGuarantee: 'at_least_once',
      commitIntervalMs: 30_000,
      statestoreCacheMaxBytes: 10_485_760,
      bufferedRecordsPerPartition: 1000,
      maxTaskIdleMs: 0,
      transactionTimeoutMs: 10_000,
      replicationFactor: -1,
      sessionTimeoutMs: 45_000,
      autoOffsetReset: 'earliest',
    });
  });

  test('commits every 100 ms under exactly once, unless told otherwise', () => {
    const exactlyOnce = { ...REQUIRED, processingGuarantee: 'exactly_once_v2' } as const;
    expect(parseStreamsConfig(exactlyOnce).commitIntervalMs).toBe(100);
    expect(parseStreamsConfig({ ...exactlyOnce, commitIntervalMs: '1s' }).commitIntervalMs).toBe(
      1000,
    );
  });

  test('takes durations as text', () => {
    const config = parseStreamsConfig({
      ...REQUIRED,
      sessionTimeoutMs: '10s',
      maxPollIntervalMs: '5m',
    });
    expect(config).toMatchObject({ sessionTimeoutMs: 10_000, maxPollIntervalMs: 300_000 });
  });

  test.each([
    ['commitIntervallMs', 'commitIntervalMs'],
    ['commit.interval.ms', 'commitIntervalMs'],
    ['bootstrap.servers', 'brokers'],
    ['num.stream.threads', 'threads'],
    ['application.id', 'applicationId'],
  ])('an unknown key %s suggests %s', (key, nearest) => {
    expect(refusal({ [key]: 1 }).message).toContain(`did you mean '${nearest}'?`);
  });

  test('an unknown key that resembles nothing points to the list of options', () => {
    expect(refusal({ colour: 'blue' }).message).toContain('docs/configuration.md');
  });

  test.each([
    [{ applicationId: undefined }, 'applicationId'],
    [{ applicationId: '../etc' }, 'applicationId'],
    [{ brokers: [] }, 'brokers'],
    [{ brokers: ['localhost'] }, 'brokers'],
    [{ commitIntervalMs: -1 }, 'commitIntervalMs'],
    [{ commitIntervalMs: 'soon' }, 'commitIntervalMs'],
    [{ processingGuarantee: 'exactly_once' }, 'processingGuarantee'],
    [{ bufferedRecordsPerPartition: 0 }, 'bufferedRecordsPerPartition'],
    [{ heartbeatIntervalMs: '1m' }, 'heartbeatIntervalMs'],
    [{ threads: 0 }, 'threads'],
    [{ processingGuarantee: 'exactly_once_v2', commitIntervalMs: '30s' }, 'transactionTimeoutMs'],
  ])('%j is refused and names the option', (options, option) => {
    expect(refusal(options).site.option).toBe(option);
  });
});
