import { compareTaskIds, type TaskId } from '../../common/task-id.ts';

/** A member of the group, as the assignor sees it. */
export interface AssignableMember {
  readonly id: string;
  /** Tasks it ran until now. A task that two members claim belongs to the one of the higher generation. */
  readonly ownedTasks: readonly string[];
  readonly generationId: number;
  /** Tasks it has state of on disk, with the sum of their changelog positions: more is less to restore. */
  readonly storedTasks: ReadonlyMap<string, number>;
}

/**
 * Spreads tasks over members: sticky, then by state on disk, then evenly.
 *
 *     in     the tasks of the topology; the members
 *     out    each task at exactly one member; members differ by at most one task
 *
 * A task stays where it runs unless that member is over its share; a task that nobody runs goes to the member with the
 * most of its state, while that has room; the rest go to the member with the fewest tasks, then the fewest of the same
 * sub-topology, so that each sub-topology is spread too. The same input in any order gives the same result.
 *
 * Source: KIP-54 (sticky), KIP-441 (prior state). Differs: without warm-ups a task with less state may move at once.
 */
export function assignTasks(
  tasks: readonly TaskId[],
  members: readonly AssignableMember[],
): ReadonlyMap<string, readonly TaskId[]> {
  const shares = new Shares(tasks.length, members);
  const homeless = keepOwned(tasks, members, shares);
  const stateless = placeByState(homeless, members, shares);
  for (const task of stateless) shares.give(shares.leastLoaded(task), task);
  return shares.result();
}

/** Who has how many tasks, and how many each may have. */
class Shares {
  readonly #tasks: ReadonlyMap<string, TaskId[]>;
  readonly #low: number;
  /** How many members may still have one more than `#low`. */
  #extras: number;

  constructor(taskCount: number, members: readonly AssignableMember[]) {
    const ids = members.map(({ id }) => id).sort();
    this.#tasks = new Map(ids.map((id) => [id, []]));
    this.#low = Math.floor(taskCount / ids.length);
    this.#extras = taskCount % ids.length;
  }

  hasRoom(memberId: string): boolean {
    const count = this.#tasksOf(memberId).length;
    return count < this.#low || (count === this.#low && this.#extras > 0);
  }

  give(memberId: string, task: TaskId): void {
    const tasks = this.#tasksOf(memberId);
    tasks.push(task);
    if (tasks.length > this.#low) this.#extras -= 1;
  }

  leastLoaded(task: TaskId): string {
    const ofSameSubtopology = (id: string): number =>
      this.#tasksOf(id).filter(({ subtopology }) => subtopology === task.subtopology).length;
    const [first = '', ...others] = this.#tasks.keys();
    return others.reduce((best, id) => {
      const difference =
        this.#tasksOf(id).length - this.#tasksOf(best).length ||
        ofSameSubtopology(id) - ofSameSubtopology(best);
      return difference < 0 ? id : best;
    }, first);
  }

  result(): ReadonlyMap<string, readonly TaskId[]> {
    return new Map([...this.#tasks].map(([id, tasks]) => [id, tasks.sort(compareTaskIds)]));
  }

  #tasksOf(memberId: string): TaskId[] {
    return this.#tasks.get(memberId) ?? [];
  }
}

function keepOwned(
  tasks: readonly TaskId[],
  members: readonly AssignableMember[],
  shares: Shares,
): TaskId[] {
  const owners = new Map<string, AssignableMember>();
  for (const member of [...members].sort(byId)) {
    for (const task of member.ownedTasks) {
      const rival = owners.get(task);
      if (rival === undefined || member.generationId > rival.generationId) owners.set(task, member);
    }
  }
  return [...tasks].sort(byPartition).filter((task) => {
    const owner = owners.get(task.toString());
    if (owner === undefined || !shares.hasRoom(owner.id)) return true;
    shares.give(owner.id, task);
    return false;
  });
}

/** An owner that has to give some up keeps some of each sub-topology, since they are not equally much work. */
function byPartition(a: TaskId, b: TaskId): number {
  return a.partition - b.partition || a.subtopology - b.subtopology;
}

function placeByState(
  tasks: readonly TaskId[],
  members: readonly AssignableMember[],
  shares: Shares,
): TaskId[] {
  return tasks.filter((task) => {
    const position = ({ storedTasks }: AssignableMember): number =>
      storedTasks.get(task.toString()) ?? -1;
    const [best] = members
      .filter((member) => position(member) >= 0 && shares.hasRoom(member.id))
      .sort((a, b) => position(b) - position(a) || byId(a, b));
    if (best === undefined) return true;
    shares.give(best.id, task);
    return false;
  });
}

function byId(a: AssignableMember, b: AssignableMember): number {
  return a.id < b.id ? -1 : Number(a.id > b.id);
}
