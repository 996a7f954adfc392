import { isStreamsError, StreamsError } from '../../../src/common/errors.ts';

describe('StreamsError', () => {
  test('says where it happened', () => {
    const error = new StreamsError('STREAMS_PROCESSING', 'no', {
      site: { topic: 'clicks', offset: 7 },
    });
    expect(error.message).toBe('no (topic clicks, offset 7)');
    expect(error.recovery).toBe('stop');
  });

  test('a frame that knows more adds to the site and does not overwrite it', () => {
    const error = new StreamsError('STREAMS_PROCESSING', 'no', { site: { node: 'map' } });
    const placed = error.at({ node: 'task', taskId: '0_1' });
    expect(placed.message).toBe('no (node map, taskId 0_1)');
    expect(placed.cause).toBe(error);
  });

  test('is known by its brand, so that another copy of the library can tell it', () => {
    const foreign: unknown = Object.assign(new Error('no'), {
      code: 'STREAMS_CONFIG',
      [Symbol.for('millrace.StreamsError')]: true,
    });
    expect(isStreamsError(foreign, 'STREAMS_CONFIG')).toBe(true);
    expect(isStreamsError(new Error('no'))).toBe(false);
  });
});
