import { StreamsError, type ErrorSite } from '../common/errors.ts';

/** The methods that leave a store as it is, of every kind of store. */
const READS: ReadonlySet<string | symbol> = new Set([
  'get',
  'range',
  'reverseRange',
  'all',
  'prefixScan',
  'fetch',
  'fetchRange',
  'fetchAll',
  'fetchSession',
  'findSessions',
  'getAsOf',
]);

/**
 * A store that can be read but not written: every other method throws `STREAMS_PROCESSING`. For global stores, which only
 * the records of their topic may change (parity P21). A proxy, since stores have many faces; reads of other stores do not
 * pay for it.
 */
export function readOnly<S extends object>(store: S, site: ErrorSite): S {
  const refuse = (): never => {
    throw new StreamsError(
      'STREAMS_PROCESSING',
      'a global store is read-only here: write a record to its topic instead',
      { site },
    );
  };
  const reads = new Map<string | symbol, unknown>();
  return new Proxy(store, {
    get(target, property) {
      const known = reads.get(property);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      // Bound, since a proxy has no private fields.
      const read: unknown = READS.has(property) ? value.bind(target) : refuse;
      reads.set(property, read);
      return read;
    },
  });
}
