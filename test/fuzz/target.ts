import { isStreamsError, type ErrorCode } from '../../src/common/errors.ts';
import type { Chance } from './chance.ts';

/** One kind of bytes that somebody else gives us, and the code of ours that reads them. */
export interface FuzzTarget {
  readonly name: string;
  /** A case that follows from `chance` alone. */
  create(chance: Chance): FuzzCase;
}

export interface FuzzCase {
  /** What was damaged: for the report. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** What the code may take beyond four times the input and 1 MB: the limit of decompressed records. */
  readonly extraBytes?: number;
  /** Throws for a finding: an error that is not typed, or a value that must not be. */
  run(): unknown;
  /** What has to hold afterwards, where that takes more than the code under test may; throws for a finding. */
  verify?(): unknown;
}

/** Runs what may give a value or one of these errors; any other error is a finding. True for a value. */
export function givesValueOr(codes: readonly ErrorCode[], read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (codes.some((code) => isStreamsError(error, code))) return false;
    throw error;
  }
}

/** Runs what has to refuse its input with one of these errors. */
export function mustRefuse(codes: readonly ErrorCode[], read: () => unknown): void {
  if (givesValueOr(codes, read)) throw new Error('a value came of bytes that were cut off');
}
