import { StreamsStateMachine, type StreamsState } from '../../../src/runtime/streams-state.ts';

function machine(...path: readonly StreamsState[]) {
  const errors: unknown[] = [];
  const state = new StreamsStateMachine((error) => errors.push(error));
  for (const next of path) state.moveTo(next);
  return { state, errors };
}

describe('state of an instance', () => {
  test('a life goes from CREATED over REBALANCING and RUNNING to NOT_RUNNING', () => {
    const { state } = machine('REBALANCING', 'RUNNING', 'REBALANCING', 'PENDING_SHUTDOWN');
    expect(state.isActive).toBe(false);
    state.moveTo('NOT_RUNNING');
    expect(state.state).toBe('NOT_RUNNING');
  });

  test('a failed instance can only end in ERROR', () => {
    const { state } = machine('REBALANCING', 'PENDING_ERROR');
    expect(state.canMoveTo('RUNNING')).toBe(false);
    expect(state.canMoveTo('PENDING_SHUTDOWN')).toBe(false);
    state.moveTo('ERROR');
    expect(state.canMoveTo('REBALANCING')).toBe(false);
  });

  test('an illegal move is a bug and changes nothing', () => {
    const { state } = machine();
    expect(() => {
      state.moveTo('RUNNING');
    }).toThrow('state CREATED cannot become RUNNING');
    expect(state.state).toBe('CREATED');
  });

  test('listeners hear each move once, and one that throws silences nobody', () => {
    const { state, errors } = machine();
    const heard: string[] = [];
    state.onChange(() => {
      throw new Error('listener');
    });
    const stop = state.onChange((now, before) => heard.push(`${before}>${now}`));
    state.moveTo('REBALANCING');
    state.moveTo('REBALANCING');
    stop();
    state.moveTo('RUNNING');
    expect(heard).toEqual(['CREATED>REBALANCING']);
    expect(errors).toHaveLength(2);
  });
});
