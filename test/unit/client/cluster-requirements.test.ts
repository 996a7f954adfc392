import { checkCluster } from '../../../src/client/cluster-requirements.ts';
import type { ApiVersionRange } from '../../../src/wire/api.ts';

/** A cluster in which this API ends at this version. */
const cluster = (name: string, last: number) => ({
  supports: (api: ApiVersionRange & { readonly name?: string }, version: number) =>
    api.name !== name || version <= last,
});

describe('what exactly once asks of a cluster', () => {
  test.each([
    ['OffsetFetch', 6],
    ['TxnOffsetCommit', 2],
    ['InitProducerId', 2],
  ])('%s beyond version %i', (name, last) => {
    const check = (exactlyOnce: boolean) => () => {
      checkCluster(cluster(name, last), { exactlyOnce });
    };
    expect(check(true)).toThrow(`${name} in version ${last + 1}`);
    expect(check(true)).toThrow('at_least_once');
    expect(check(false)).not.toThrow();
  });
});
