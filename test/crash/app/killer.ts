import { setImmediate, setTimeout } from 'node:timers';
import { FAILPOINTS, type Failpoint, type Failpoints } from '../../../src/common/failpoints.ts';

const LONGEST_WAY_MS = 8;

/**
 * Kills this process at the n-th pass of one failpoint, once `arm` has named it.
 *
 * What is called "sent" is in a socket a moment later and at the broker a moment after that: there the kill comes after a
 * random time, so that it finds the request on each part of its way. The same for what LevelDB does in another thread.
 */
export class Killer implements Failpoints {
  #armed: { readonly point: Failpoint; passes: number } | null = null;

  /** `endtxn.sent 3`. */
  arm(order: string): void {
    const [name = '', passes = '1'] = order.split(' ');
    const point = FAILPOINTS.find((known) => known === name);
    if (point === undefined) throw new Error(`there is no failpoint ${name}`);
    this.#armed = { point, passes: Number(passes) };
  }

  pass(point: Failpoint): void {
    if (this.#armed?.point !== point || --this.#armed.passes > 0) return;
    this.#armed = null;
    process.stdout.write(`KILLED ${point}\n`);
    if (point.endsWith('.sent')) setTimeout(die, Math.random() * LONGEST_WAY_MS);
    else if (point === 'store.during' && Math.random() < 0.5) setImmediate(die);
    else die();
  }
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
