import { StreamsError } from '../common/errors.ts';

/**
 * The `create` of a user's supplier, checked each time it runs: it must give a processor, and another one each time,
 * since one that two tasks share would mix their fields. A supplier may be an object of a class.
 *
 * Errors: `STREAMS_TOPOLOGY`; the node that calls adds its name. Source: `ApiUtils.checkSupplier`.
 */
export function newForEachTask<C, P extends object>(supplier: {
  readonly create: (context: C) => P;
}): (context: C) => P {
  const given = new WeakSet<object>();
  return (context) => {
    const processor = supplier.create(context);
    if (!isProcessor(processor)) {
      throw new StreamsError(
        'STREAMS_TOPOLOGY',
        'create() gave no processor: it must return an object with a function `process`, at once',
      );
    }
    if (given.has(processor)) {
      throw new StreamsError(
        'STREAMS_TOPOLOGY',
        'create() gave the same processor twice: it must make a new one for each task',
      );
    }
    given.add(processor);
    return processor;
  };
}

function isProcessor(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  return 'process' in given && typeof given.process === 'function';
}
