import { readInt32, readInt64, writeInt32, writeInt64 } from '../../src/common/bytes.ts';
import { AllRecords } from './result.ts';
import { Word64 } from './word64.ts';

/** W1: what was seen of one rule. `sum` wraps at 2^64. */
export interface RuleGroup {
  readonly count: number;
  readonly sum: Word64;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** W1: groups merged by rule, since which ten records make a group depends on the order of their arrival. */
export class RuleTotals {
  readonly #totals = new Map<string, RuleGroup>();

  add(rule: string, group: RuleGroup): void {
    if (group.count === 0) return;
    const old = this.#totals.get(rule);
    if (old === undefined) {
      const { high, low } = group.sum;
      this.#totals.set(rule, { ...group, sum: new Word64(high, low) });
      return;
    }
    this.#totals.set(rule, {
      count: old.count + group.count,
      sum: old.sum.add(group.sum.high, group.sum.low),
      firstMs: Math.min(old.firstMs, group.firstMs),
      lastMs: Math.max(old.lastMs, group.lastMs),
    });
  }

  get rows(): number {
    return this.#totals.size;
  }

  /** How many whole groups of this size there are. */
  groups(size: number): number {
    return [...this.#totals.values()].reduce((sum, { count }) => sum + Math.floor(count / size), 0);
  }

  checksum(): string {
    const all = new AllRecords();
    for (const [rule, group] of this.#totals) all.add(Buffer.from(rule, 'latin1'), encode(group));
    return all.checksum();
  }
}

function encode({ count, sum, firstMs, lastMs }: RuleGroup): Uint8Array {
  const bytes = new Uint8Array(32);
  writeInt64(bytes, 0, count);
  writeInt32(bytes, 8, sum.high);
  writeInt32(bytes, 12, sum.low);
  writeInt64(bytes, 16, firstMs);
  writeInt64(bytes, 24, lastMs);
  return bytes;
}

/** A group as W1 writes it: count, sum, first and last time in 8 bytes each. */
export function decodeRuleBytes(value: Uint8Array): RuleGroup {
  if (value.length !== 32) throw new Error(`a W1 value of ${value.length} bytes`);
  return {
    count: readInt64(value, 0),
    sum: new Word64(readInt32(value, 8), readInt32(value, 12)),
    firstMs: readInt64(value, 16),
    lastMs: readInt64(value, 24),
  };
}

/** A group as W1j writes it. */
export function decodeRuleJson(value: Uint8Array): RuleGroup {
  const { count, sum, firstTs, lastTs } = JSON.parse(Buffer.from(value).toString()) as {
    readonly count: number; // whatever else it is makes the checksum wrong
    readonly sum: string;
    readonly firstTs: number;
    readonly lastTs: number;
  };
  return { count, sum: unsignedDecimal(sum), firstMs: firstTs, lastMs: lastTs };
}

export function unsignedDecimal(text: string): Word64 {
  const value = BigInt(text);
  return new Word64(Number(value >> 32n), Number(value & 0xffffffffn));
}
