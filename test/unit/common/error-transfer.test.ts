import { receiveError, transferError } from '../../../src/common/error-transfer.ts';
import { isStreamsError, StreamsError } from '../../../src/common/errors.ts';

/** As another thread gets it. */
const crossed = (error: unknown): Error => receiveError(structuredClone(transferError(error)));

describe('an error that crosses to another thread', () => {
  test('keeps code, message, site, stack and cause', () => {
    const cause = new TypeError('no such field');
    const error = new StreamsError('STREAMS_PROCESSING', 'it failed', {
      site: { taskId: '0_1', offset: 7 },
      cause,
    });
    const received = crossed(error);
    expect(isStreamsError(received, 'STREAMS_PROCESSING')).toBe(true);
    expect(received).toMatchObject({ message: error.message, site: error.site });
    expect(received.stack).toBe(error.stack);
    expect(received.cause).toMatchObject({ message: 'no such field', stack: cause.stack });
  });

  test('need not be an error, and its causes may go round in a circle', () => {
    expect(crossed('just text').message).toBe('just text');
    const error = new Error('round');
    error.cause = error;
    expect(crossed(error).message).toBe('round');
  });
});
