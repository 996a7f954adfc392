import { StreamsError } from '../../../src/common/errors.ts';
import { askUncaughtHandler } from '../../../src/runtime/ask-uncaught-handler.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const ERROR = new StreamsError('STREAMS_PROCESSING', 'refused');

function answerOf(handler: () => unknown, error = ERROR): readonly unknown[] {
  const logger = new RecordingLogger();
  return [askUncaughtHandler(handler as never, error, logger), logger.lines.length]; // JavaScript may answer anything
}

describe('the uncaught-exception handler', () => {
  test('decides, unless another instance has asked all of them to stop', () => {
    expect(answerOf(() => 'replaceThread')).toEqual(['replaceThread', 0]);
    expect(answerOf(() => 'shutdownApplication')).toEqual(['shutdownApplication', 0]);
    const stopped = new StreamsError('STREAMS_STOPPED', 'another has failed');
    expect(answerOf(() => 'replaceThread', stopped)).toEqual(['shutdownClient', 0]);
  });

  test('shuts the instance down, and a log line says why, where it throws or its answer is none', () => {
    const throwing = (): never => {
      throw new Error('in the handler');
    };
    expect(answerOf(throwing)).toEqual(['shutdownClient', 1]);
    expect(answerOf(() => undefined)).toEqual(['shutdownClient', 1]);
    expect(answerOf(() => Promise.resolve('replaceThread'))).toEqual(['shutdownClient', 1]);
  });
});
