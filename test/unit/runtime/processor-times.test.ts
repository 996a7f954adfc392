import { ProcessorTimes } from '../../../src/runtime/processor-times.ts';

describe('the times that operators keep', () => {
  test('are the highest that were committed with any partition of the task', () => {
    const times = new ProcessorTimes();
    times.restore(new Map([['a', 5]]));
    times.restore(new Map([['a', 3]]));
    expect(times.get('a')).toBe(5);
    expect(times.get('b')).toBeNull();
  });

  test('are what they were before a record that is taken back', () => {
    const times = new ProcessorTimes();
    times.keep('a', 1);
    times.beginUndo();
    times.keep('a', 2);
    times.keep('b', 2);
    times.undo();
    expect([...times.all]).toEqual([['a', 1]]);
    times.beginUndo();
    times.keep('a', 3);
    times.endUndo();
    expect(times.get('a')).toBe(3);
  });
});
