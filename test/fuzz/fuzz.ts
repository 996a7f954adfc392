import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { Chance } from './chance.ts';
import type { FuzzCase, FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly target: FuzzTarget;
  readonly cases: number;
  readonly seed: number;
  /** Index of the first case; to look at one again, its index and one case. */
  readonly first?: number;
  /** It stops after so many findings. */
  readonly mostFindings?: number;
}

export interface Finding {
  readonly index: number;
  readonly what: string;
  readonly problem: string;
  readonly hex: string;
}

export interface FuzzReport {
  readonly cases: number;
  readonly findings: readonly Finding[];
  readonly slowestMs: number;
}

const CASES_PER_TURN = 500;
const MOST_MS = 50;
const FREE_BYTES = 1 << 20;
const BYTES_PER_INPUT_BYTE = 4;
/** A machine that does something else, or a collection, makes a case look slow or large: only one that stays so counts. */
const CONFIRMATIONS = 3;
const LONGEST_HEX = 400;

/**
 * Gives a reader so many damaged inputs and reports each that it does not refuse as it should: an error that is not
 * typed, more than 50 ms, or more memory than four times the input and 1 MB.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { target, cases, seed, first = 0, mostFindings = 10 } = options;
  const findings: Finding[] = [];
  let slowestMs = 0;
  let done = 0;
  for (let index = first; done < cases && findings.length < mostFindings; index++, done++) {
    // What zlib holds outside of the heap is given back by the event loop only.
    if (done % CASES_PER_TURN === 0) await nextTurn();
    const fuzzCase = target.create(new Chance(seed, index));
    const { what, bytes } = fuzzCase;
    let { problem, ms, isMeasured } = await runOnce(fuzzCase);
    for (let left = CONFIRMATIONS; left > 0 && problem !== null && isMeasured; left--) {
      ({ problem, ms, isMeasured } = await runOnce(fuzzCase));
    }
    slowestMs = Math.max(slowestMs, ms);
    if (problem !== null) {
      const hex = Buffer.from(bytes.subarray(0, LONGEST_HEX)).toString('hex');
      findings.push({ index, what, problem, hex });
    }
  }
  return { cases: done, findings, slowestMs };
}

interface Outcome {
  readonly problem: string | null;
  readonly ms: number;
  /** The problem is one of time or memory. */
  readonly isMeasured: boolean;
}

async function runOnce(fuzzCase: FuzzCase): Promise<Outcome> {
  const { bytes, extraBytes = 0 } = fuzzCase;
  const bytesBefore = usedBytes();
  const startMs = performance.now();
  try {
    await fuzzCase.run();
  } catch (error) {
    return { problem: textOf(error), ms: 0, isMeasured: false };
  }
  const ms = performance.now() - startMs;
  const takenBytes = usedBytes() - bytesBefore;
  try {
    await fuzzCase.verify?.();
  } catch (error) {
    return { problem: textOf(error), ms, isMeasured: false };
  }
  const mostBytes = BYTES_PER_INPUT_BYTE * bytes.length + FREE_BYTES + extraBytes;
  const problem =
    ms > MOST_MS
      ? `it took ${ms.toFixed()} ms`
      : takenBytes > mostBytes
        ? `it took ${takenBytes} bytes for ${bytes.length}`
        : null;
  return { problem, ms, isMeasured: true };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function usedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
