import { TaskFolders } from '../../../src/runtime/task-folders.ts';

/** Steps such as `1+a` (worker 1 asks for a), `1-a` (gives it back), `1!` (dies); tells who was granted what. */
function grants(...steps: string[]): string[] {
  const granted: string[] = [];
  const folders = new TaskFolders((worker, taskId) => granted.push(`${worker}${taskId}`));
  for (const step of steps) {
    const worker = Number(step[0]);
    const taskId = step.slice(2);
    if (step[1] === '+') folders.acquire(worker, taskId);
    else if (step[1] === '-') folders.release(worker, taskId);
    else folders.releaseAll(worker);
  }
  return granted;
}

describe("tasks' folders", () => {
  test('a free one is given at once, a taken one when it is given back, in the order of asking', () => {
    expect(grants('1+a', '2+a', '3+a', '2+b')).toEqual(['1a', '2b']);
    expect(grants('1+a', '2+a', '3+a', '1-a')).toEqual(['1a', '2a']);
    expect(grants('1+a', '2+a', '3+a', '1-a', '2-a', '3-a', '1+a')).toEqual([
      '1a',
      '2a',
      '3a',
      '1a',
    ]);
  });

  test('a worker that dies has none and waits for none', () => {
    expect(grants('1+a', '2+a', '1!')).toEqual(['1a', '2a']);
    expect(grants('1+a', '2+a', '3+a', '2!', '1-a')).toEqual(['1a', '3a']);
    expect(grants('1+a', '2+a', '2!', '1-a', '3+a')).toEqual(['1a', '3a']);
    expect(grants('1+a', '1!', '2+a')).toEqual(['1a', '2a']);
  });

  test('nobody gives back what another has', () => {
    expect(() => grants('1+a', '2-a')).toThrow('the worker that has it');
  });
});
