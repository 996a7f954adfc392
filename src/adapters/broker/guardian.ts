import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { StreamsError } from '../../common/errors.ts';

/**
 * Reads `guard <pid>` and `release <pid>` until its input ends, which it does when the parent closes
 * it or ceases to exist. Then it kills what it guards and removes the folder. A dying process may
 * still add a file while the folder is being removed, so it tries for five seconds.
 */
export const GUARDIAN_SCRIPT = `
PATH=/usr/bin:/bin:$PATH
trap '' HUP INT TERM
pids=
while read -r verb pid; do
  case $verb in
    guard) pids="$pids $pid" ;;
    release) kept=
      for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done
      pids=$kept ;;
  esac
done
for p in $pids; do kill -9 "$p" 2>/dev/null; done
n=0
until rm -rf -- "$1" 2>/dev/null || [ $n = 50 ]; do n=$((n + 1)); sleep 0.1; done
`;

/** Waits for its own go-ahead and then becomes the command, under the same process id. */
const GATE = 'read -r go && exec "$0" "$@" </dev/null';

/** Input is always the gate's pipe, and empty for the command. */
export type GuardedStdio = readonly ['pipe', ...(number | 'pipe' | 'ignore')[]];

/**
 * Ends processes and removes a folder when this process lets go of it, by `close()` or by dying:
 * a SIGKILL runs no handler here, but it closes the pipe to the guardian's shell.
 *
 * No process escapes: each is started behind a gate, told to the guardian, and only then let through,
 * so wherever this process dies, the child either is known or sees its gate closed. All run in
 * sessions of their own, where Ctrl-C in a terminal does not reach them before us.
 */
export class Guardian {
  readonly #shell: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(folder: string) {
    this.#shell = spawn('/bin/sh', ['-c', GUARDIAN_SCRIPT, 'guardian', folder], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#exited = once(this.#shell, 'exit');
    this.#exited.catch(() => undefined); // reported by close()
    // The shell may have been killed by somebody: then there is nobody to tell, and close() says so.
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
    if (this.#shell.stdin instanceof Socket) this.#shell.stdin.unref();
  }

  /** Like `spawn`, but the process does not outlive this one. */
  spawn(command: string, args: readonly string[], stdio: GuardedStdio): ChildProcess {
    const child = spawn('/bin/sh', ['-c', GATE, command, ...args], {
      detached: true,
      stdio: [...stdio] satisfies StdioOptions,
      env: process.env, // ours, which in a test runner's sandbox is not the default
    });
    const { pid } = child;
    if (pid === undefined) return child; // its 'error' event tells why
    this.#tell(`guard ${pid}`);
    child.once('exit', () => {
      this.#tell(`release ${pid}`);
    });
    child.stdin?.on('error', () => undefined); // it has exited; its 'exit' event tells how
    child.stdin?.end('go\n');
    return child;
  }

  /** Kills what runs, removes the folder and resolves when both are done. */
  async close(): Promise<void> {
    this.#shell.ref();
    this.#shell.stdin?.end();
    try {
      await this.#exited;
    } catch (cause) {
      throw new StreamsError('STREAMS_CONFIG', 'cannot run /bin/sh, which guards the broker', {
        cause,
      });
    }
  }

  #tell(line: string): void {
    if (this.#shell.stdin?.writable === true) this.#shell.stdin.write(`${line}\n`);
  }
}
