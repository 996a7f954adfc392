import { invariant } from './errors.ts';

/** One sub-topology over one partition number: the unit of work that moves between instances. Prints as `0_3`. */
export class TaskId {
  readonly subtopology: number;
  readonly partition: number;

  constructor(subtopology: number, partition: number) {
    this.subtopology = subtopology;
    this.partition = partition;
  }

  static parse(text: string): TaskId {
    const match = /^(\d+)_(\d+)$/.exec(text);
    invariant(match !== null, `'${text}' is not a task id`);
    return new TaskId(Number(match[1]), Number(match[2]));
  }

  toString(): string {
    return `${this.subtopology}_${this.partition}`;
  }
}

/** By sub-topology, then by partition. */
export function compareTaskIds(a: TaskId, b: TaskId): number {
  return a.subtopology - b.subtopology || a.partition - b.partition;
}
