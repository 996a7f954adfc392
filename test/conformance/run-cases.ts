import type { Case, CaseFile } from './case.ts';
import { runCase, STORAGES, type Storage } from './run-case.ts';

export interface CaseFailure {
  readonly storage: Storage;
  readonly message: string;
}

export interface CaseResult {
  readonly file: string;
  readonly id: string;
  readonly operators: readonly string[];
  /** Empty where the case passes with every storage. */
  readonly failures: readonly CaseFailure[];
}

/** Semantics that Kafka 4 has removed. */
export function isLeftOut({ tags }: Case): boolean {
  return tags.includes('legacy-eager');
}

/** Depends on how many bytes a record takes in Kafka Streams' own buffers. */
export function isInformative({ tags }: Case): boolean {
  return tags.includes('bytes-limit-impl-specific');
}

/** Runs every case of a file with every storage, but those whose results Kafka Streams' memory stores change. */
export async function* runCases({ name: file, cases }: CaseFile): AsyncIterable<CaseResult> {
  for (const subject of cases) {
    if (isLeftOut(subject)) continue;
    const failures: CaseFailure[] = [];
    for (const storage of STORAGES) {
      if (storage === 'memory' && subject.sensitivity?.storeTypeSensitive === true) continue;
      const message = await runCase(subject, storage);
      if (message !== null) failures.push({ storage, message });
    }
    const operators = [...new Set(subject.topology.map(({ op }) => op))];
    yield { file, id: subject.id, operators, failures };
  }
}
