import { AsyncCalls } from '../../../src/runtime/async-calls.ts';
import { CurrentRecord } from '../../../src/runtime/current-record.ts';
import { ProcessorNode } from '../../../src/runtime/processor-node.ts';
import { PunctuationQueue } from '../../../src/runtime/punctuation-queue.ts';

const current = new CurrentRecord('0_0');
const NODE = new ProcessorNode({
  name: 'node',
  current,
  calls: new AsyncCalls({ current, maxWaiting: 1 }),
  create: () => ({ process: () => undefined }),
});

/** Times at which a schedule fires when the queue is asked at each of `nowMs`. */
function firesAt(firstMs: number, intervalMs: number, ...nowMs: number[]): number[] {
  const queue = new PunctuationQueue();
  queue.schedule({ node: NODE, punctuator: () => undefined, firstMs, intervalMs });
  return nowMs.flatMap((now) => {
    const fired: number[] = [];
    while (queue.takeDue(now) !== null) fired.push(now);
    return fired;
  });
}

describe('punctuation queue', () => {
  test('fires when its time is reached, not before', () => {
    expect(firesAt(10, 10, 9, 10, 11, 19, 20)).toEqual([10, 20]);
  });

  test('missed intervals collapse into one call, and the next stays on a multiple', () => {
    expect(firesAt(0, 10, 0, 57, 59, 60)).toEqual([0, 57, 60]);
  });

  test('the first due comes first, and of equals the first scheduled', () => {
    const queue = new PunctuationQueue();
    const order: string[] = [];
    const schedule = (name: string, firstMs: number): void => {
      queue.schedule({
        node: NODE,
        punctuator: () => void order.push(name),
        firstMs,
        intervalMs: 100,
      });
    };
    schedule('late', 9);
    schedule('first', 5);
    schedule('second', 5);
    for (let due = queue.takeDue(50); due !== null; due = queue.takeDue(50))
      void due.punctuator(50);
    expect(order).toEqual(['first', 'second', 'late']);
  });

  test('a cancelled schedule never fires again, though it is due', () => {
    const queue = new PunctuationQueue();
    const schedule = queue.schedule({
      node: NODE,
      punctuator: () => undefined,
      firstMs: 0,
      intervalMs: 1,
    });
    expect(queue.takeDue(0)).not.toBeNull();
    schedule.cancel();
    expect(queue.nextMs).toBeNull();
    expect(queue.takeDue(1_000)).toBeNull();
  });
});
