import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamsError } from '../../common/errors.ts';
import { Guardian } from './guardian.ts';
import type { ToolResult } from './kafka-broker.ts';

export interface RunCommandOptions {
  /** Its name in an error; arguments may hold passwords and are not shown. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The guardian that ends the command with this process; one of its own by default. */
  readonly guardian?: Guardian;
}

/**
 * Runs a program to its end and resolves with what it printed, whatever its exit code.
 *
 * Errors: `STREAMS_CONFIG` if it cannot be started, `STREAMS_CLIENT` after `timeoutMs`, the reason of
 * the signal after an abort. In each case the program has been killed.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunCommandOptions,
): Promise<ToolResult> {
  if (options.guardian !== undefined) return runGuarded(options.guardian, command, args, options);
  const guardian = new Guardian(await mkdtemp(join(tmpdir(), 'millrace-')));
  try {
    return await runGuarded(guardian, command, args, options);
  } finally {
    await guardian.close();
  }
}

function runGuarded(
  guardian: Guardian,
  command: string,
  args: readonly string[],
  { what, timeoutMs, signal }: RunCommandOptions,
): Promise<ToolResult> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = guardian.spawn(command, args, ['pipe', 'pipe', 'pipe']);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));

    const onTimeout = (): void => {
      const seconds = timeoutMs / 1000;
      const message = `${what} did not end within ${seconds} s; it printed:\n${stdout}${stderr}`;
      end(() => {
        reject(new StreamsError('STREAMS_CLIENT', message));
      });
    };
    const onAbort = (): void => {
      end(() => {
        reject(signal?.reason as Error); // throwIfAborted gives the same value
      });
    };
    const timer = setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      child.kill('SIGKILL');
      settle();
    };
    child.once('error', (cause) => {
      end(() => {
        reject(new StreamsError('STREAMS_CONFIG', `cannot run ${what} (${command})`, { cause }));
      });
    });
    child.once('close', (exitCode) => {
      end(() => {
        resolve({ stdout, stderr, exitCode: exitCode ?? -1 });
      });
    });
  });
}
