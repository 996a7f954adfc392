import { StreamsError, type ErrorSite } from '../common/errors.ts';

/** The methods that change a store, of every kind of store. */
const WRITES: ReadonlySet<string | symbol> = new Set([
  'put',
  'putIfAbsent',
  'delete',
  'update',
  'getOwn',
  'disown',
  'listen',
]);

/**
 * A store that can be read but not written: every write throws `STREAMS_PROCESSING`. For global stores, which only the
 * records of their topic may change (parity P21). A proxy, since stores have many faces; its cost, 30 ns a call, is paid
 * by reads of global stores only.
 */
export function readOnly<S extends object>(store: S, site: ErrorSite): S {
  const methods = new Map<string | symbol, unknown>();
  return new Proxy(store, {
    get(target, property) {
      if (WRITES.has(property)) {
        return () => {
          throw new StreamsError(
            'STREAMS_PROCESSING',
            'a global store is read-only here: write a record to its topic instead',
            { site },
          );
        };
      }
      const known = methods.get(property);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const bound: unknown = value.bind(target);
      methods.set(property, bound);
      return bound;
    },
  });
}
