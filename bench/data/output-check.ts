import { AllRecords, LastRecords, type Result } from './result.ts';
import { decodeRuleBytes, decodeRuleJson, RuleTotals, type RuleGroup } from './rule-totals.ts';
import { windowKey } from './window-key.ts';
import { GROUP_SIZE, WINDOW_MS, type Workload } from './workloads.ts';

/** Sees every record that a run has written, those of a partition in their order, and says what it amounts to. */
export interface OutputCheck {
  output(key: Uint8Array | null, value: Uint8Array | null, timestampMs: number): void;
  /** Of the changelog that `checkedChangelog` names; a null value deletes. */
  changelog(key: Uint8Array | null, value: Uint8Array | null): void;
  result(): Result;
}

const nothing = (): void => undefined;

/** Whatever implementation wrote the output: equal to the result of `expectationOf` exactly if it is right. */
export function outputCheckOf(workload: Workload): OutputCheck {
  switch (workload) {
    case 'W0':
      return records();
    case 'W1':
      return rules(decodeRuleBytes);
    case 'W1j':
      return rules(decodeRuleJson);
    case 'W2':
      return windows();
    case 'W6':
      return table();
  }
}

function records(): OutputCheck {
  const all = new AllRecords();
  return {
    output(key, value) {
      all.add(key, present(value));
    },
    changelog: nothing,
    result: () => ({ outputRecords: all.count, checksum: all.checksum(), rows: all.count }),
  };
}

function rules(decode: (value: Uint8Array) => RuleGroup): OutputCheck {
  const totals = new RuleTotals();
  const last = new Map<string, Uint8Array>();
  let outputRecords = 0;
  return {
    output(key, value) {
      outputRecords++;
      const group = decode(present(value));
      if (group.count !== GROUP_SIZE) throw new Error(`a group of ${group.count} was given out`);
      totals.add(textOf(key), group);
    },
    changelog(key, value) {
      if (value === null) last.delete(textOf(key));
      else last.set(textOf(key), value.slice());
    },
    result() {
      for (const [rule, value] of last) totals.add(rule, decode(value));
      last.clear();
      return { outputRecords, checksum: totals.checksum(), rows: totals.rows };
    },
  };
}

/** The last record of each sensor and minute; its timestamp tells the minute. */
function windows(): OutputCheck {
  const last = new LastRecords();
  let outputRecords = 0;
  return {
    output(sensor, value, timestampMs) {
      outputRecords++;
      const key = windowKey(sensor, Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS);
      last.set(textOf(key), key, present(value));
    },
    changelog: nothing,
    result: () => ({ outputRecords, checksum: last.checksum(), rows: last.rows }),
  };
}

function table(): OutputCheck {
  const last = new LastRecords();
  let outputRecords = 0;
  return {
    output() {
      outputRecords++;
    },
    changelog(key, value) {
      last.set(textOf(key), present(key), present(value));
    },
    result: () => ({ outputRecords, checksum: last.checksum(), rows: last.rows }),
  };
}

function present(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null) throw new Error('a null that no correct run writes');
  return bytes;
}

function textOf(bytes: Uint8Array | null): string {
  const { buffer, byteOffset, length } = present(bytes);
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}
