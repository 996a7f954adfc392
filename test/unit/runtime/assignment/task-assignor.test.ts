import * as fc from 'fast-check';
import { TaskId } from '../../../../src/common/task-id.ts';
import {
  assignTasks,
  type AssignableMember,
} from '../../../../src/runtime/assignment/task-assignor.ts';

const tasks = (...ids: string[]): TaskId[] => ids.map((id) => TaskId.parse(id));

const member = (id: string, owned = '', stored: Record<string, number> = {}): AssignableMember => ({
  id,
  ownedTasks: owned.split(' ').filter((task) => task !== ''),
  generationId: 1,
  storedTasks: new Map(Object.entries(stored)),
});

/** The assignment as `a: 0_0 0_1 | b: 0_2`. */
function assign(ids: TaskId[], ...members: AssignableMember[]): string {
  return [...assignTasks(ids, members)].map(([id, list]) => `${id}: ${list.join(' ')}`).join(' | ');
}

describe('task assignor', () => {
  test('tasks of each sub-topology are spread over the members', () => {
    const four = tasks('0_0', '0_1', '1_0', '1_1');
    expect(assign(four, member('a'), member('b'))).toBe('a: 0_0 1_1 | b: 0_1 1_0');
  });

  test('tasks stay where they run', () => {
    const four = tasks('0_0', '0_1', '0_2', '0_3');
    expect(assign(four, member('a', '0_3 0_1'), member('b', '0_0 0_2'))).toBe(
      'a: 0_1 0_3 | b: 0_0 0_2',
    );
  });

  test('a member that joins takes its share and nothing else moves', () => {
    const four = tasks('0_0', '0_1', '0_2', '0_3');
    expect(assign(four, member('a', '0_0 0_1 0_2 0_3'), member('b'))).toBe(
      'a: 0_0 0_1 | b: 0_2 0_3',
    );
  });

  test('a member that has to give tasks up keeps some of each sub-topology', () => {
    const four = tasks('0_0', '0_1', '1_0', '1_1');
    expect(assign(four, member('a', '0_0 0_1 1_0 1_1'), member('b'))).toBe(
      'a: 0_0 1_0 | b: 0_1 1_1',
    );
  });

  test('a task that nobody runs goes to the member with the most of its state', () => {
    const two = tasks('0_0', '0_1');
    const members = [member('a', '', { '0_1': 5 }), member('b', '', { '0_0': 9, '0_1': 3 })];
    expect(assign(two, ...members)).toBe('a: 0_1 | b: 0_0');
  });

  test('of two members that claim a task, the one of the newer generation keeps it', () => {
    const two = tasks('0_0', '0_1');
    const members = [
      { ...member('a', '0_0'), generationId: 1 },
      { ...member('b', '0_0'), generationId: 2 },
    ];
    expect(assign(two, ...members)).toBe('a: 0_1 | b: 0_0');
  });

  test('every task is given once, evenly, whatever the members claim, and a second round moves nothing', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const arbitraryTask = fc.tuple(fc.nat(2), fc.nat(5)).map(([s, p]) => `${s}_${p}`);
    const claims = fc.array(fc.uniqueArray(arbitraryTask, { maxLength: 8 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.uniqueArray(arbitraryTask), claims, (taskIds, owned) => {
        const members = owned.map((list, i) => member(ids[i] ?? '', list.join(' ')));
        const first = assignTasks(tasks(...taskIds), members);

        expect([...first.values()].flat().map(String).sort()).toEqual([...taskIds].sort());
        const sizes = [...first.values()].map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);

        const settled = [...first].map(([id, list]) => member(id, list.join(' ')));
        expect(assignTasks(tasks(...taskIds), settled)).toEqual(first);
      }),
    );
  });
});
