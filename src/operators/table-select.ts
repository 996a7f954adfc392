import { isDeepStrictEqual } from 'node:util';
import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import { checkedPair, type KeyValueMapper } from './map.ts';
import type { CreateOperator } from './operator.ts';

export type TableSelector<K, V, KR, VR> = KeyValueMapper<K, V, KR | null, VR | null>;

/**
 * Gives every row of a table the group it belongs to, in front of the repartition topic of a grouped table.
 *
 *     in     StreamRecord<K, Change<V>> with old values
 *     out    StreamRecord<KR, Change<VR>>
 *
 * A row that stays in its group is one record with both values, so that no aggregate shows a state in between; one that
 * moves is two, the old group's first. A half whose group or value is null is left out, and so is a late update of a
 * versioned table: groups follow the latest versions.
 *
 * Source: KIP-904, KIP-914, `KTableRepartitionMap`; parity A3-A5.
 */
export function tableSelect<K, V, KR, VR>(
  selector: TableSelector<K, V, KR, VR>,
): CreateOperator<K, Change<V>, KR, Change<VR>> {
  return (context) => new TableSelect(context, selector);
}

class TableSelect<K, V, KR, VR> implements Processor<K, Change<V>> {
  readonly #context: ProcessorContext<KR, Change<VR>>;
  readonly #selector: TableSelector<K, V, KR, VR>;

  constructor(context: ProcessorContext<KR, Change<VR>>, selector: TableSelector<K, V, KR, VR>) {
    this.#context = context;
    this.#selector = selector;
  }

  process({ key, value: change, timestampMs, headers }: StreamRecord<K, Change<V>>): void {
    if (!change.isLatest) return;
    const newPair = this.#select(key, change.newValue);
    const oldPair = this.#select(key, change.oldValue);
    const forward = (group: KR, value: Change<VR>): void => {
      this.#context.forward(new StreamRecord(group, value, timestampMs, headers));
    };
    if (oldPair !== null && newPair !== null && sameGroup(oldPair[0], newPair[0])) {
      forward(newPair[0], new Change(newPair[1], oldPair[1]));
      return;
    }
    if (oldPair !== null) forward(oldPair[0], new Change<VR>(null, oldPair[1]));
    if (newPair !== null) forward(newPair[0], new Change<VR>(newPair[1], null));
  }

  #select(key: K, value: V | null): readonly [KR, VR] | null {
    if (value === null) return null;
    const pair = checkedPair(this.#selector(key, value), 'selector of groupBy()');
    const [group, grouped] = pair;
    return group === null || grouped === null ? null : [group, grouped];
  }
}

/** By value, as Java's `equals` of value objects. */
function sameGroup(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && isDeepStrictEqual(one, other));
}
