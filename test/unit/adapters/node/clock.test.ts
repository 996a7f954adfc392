import { systemTimers } from '../../../../src/adapters/node/clock.ts';

describe('system timers', () => {
  test('a sleep that is aborted rejects with the reason, before and while it sleeps', async () => {
    const reason = new Error('closing');
    const closing = new AbortController();
    const sleep = systemTimers.sleep(60_000, closing.signal);
    closing.abort(reason);
    await expect(sleep).rejects.toBe(reason);
    await expect(systemTimers.sleep(60_000, closing.signal)).rejects.toBe(reason);
  });
});
