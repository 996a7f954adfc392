import { Change } from '../../src/common/change.ts';
import { StreamRecord } from '../../src/common/record.ts';
import type { InternalProcessorContext } from '../../src/processor/internal-processor-context.ts';
import type { CreateProcessor } from '../../src/processor/processor.ts';

/**
 * An aggregation as the language has it, over the table store `store`: forwards a `Change` when the store lets go of a row.
 * For tests of the runtime, which knows no operators.
 */
export function aggregating<V, A>(
  store: string,
  initializer: () => A,
  aggregator: (value: V, aggregate: A) => A,
): CreateProcessor<string, V, string, Change<A>> {
  return (context) => {
    const internal = context as InternalProcessorContext<string, Change<A>>; // what the runtime hands to every node
    const table = internal.tableStore<string, A>(store);
    table.listen(
      (key, newValue, oldValue, timestampMs, headers) => {
        internal.forward(
          new StreamRecord(key, new Change(newValue, oldValue), timestampMs, headers),
        );
      },
      { sendOldValues: true },
    );
    return {
      process: ({ key, value, timestampMs, headers }) => {
        const own = table.getOwn(key);
        let aggregate: A;
        try {
          aggregate = aggregator(value, own?.value ?? initializer());
        } catch (error) {
          table.disown(key);
          throw error;
        }
        table.update(key, aggregate, Math.max(timestampMs, own?.timestampMs ?? 0), headers);
      },
    };
  };
}

/** To the stream of new values. */
export const newValues: CreateProcessor<string, Change<unknown>, string, unknown> = (context) => ({
  process: (record) => {
    context.forward(record.withValue(record.value.newValue));
  },
});
