import { FailureClock } from '../../../src/runtime/failure-clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function failures() {
  const clock = new ManualClock();
  const random = { next: () => 0.5, uuid: () => '' };
  const backoff = { firstMs: 100, maxMs: 400 };
  return { clock, failures: new FailureClock({ timeoutMs: 1_000, backoff, clock, random }) };
}

describe('failures in a row', () => {
  test('are waited for longer each time, up to a limit', () => {
    const { failures: each } = failures();
    expect([each.failed(), each.failed(), each.failed(), each.failed()]).toEqual([
      100, 200, 400, 400,
    ]);
  });

  test('are given up when they have lasted too long without progress', () => {
    const { clock, failures: each } = failures();
    each.failed();
    clock.advance(1_000);
    expect(each.failed()).not.toBeNull();
    clock.advance(1);
    expect(each.failed()).toBeNull();
  });

  test('are forgotten with any progress', () => {
    const { clock, failures: each } = failures();
    each.failed();
    clock.advance(900);
    each.progress();
    clock.advance(900);
    expect(each.failed()).toBe(100);
  });
});
