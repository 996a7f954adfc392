import { joinStoreContract } from './join-store.contract.ts';
import { outerJoinStoreContract } from './outer-join-store.contract.ts';
import { sessionStoreContract } from './session-store.contract.ts';

describe.each([
  ['in memory', { storage: 'memory', objectsBytes: 1_048_576 }],
  ['in LevelDB', { storage: 'level', objectsBytes: 1_048_576 }],
  ['in LevelDB, no pages kept', { storage: 'level', objectsBytes: 0 }],
] as const)('%s', (_, variant) => {
  describe('a join store', () => {
    joinStoreContract(variant);
  });
  describe.each([
    ['uncached', 0],
    ['cached', 100_000],
  ])('a session store, %s', (__, cacheBytes) => {
    sessionStoreContract({ ...variant, cacheBytes });
  });
  describe('an outer join store', () => {
    outerJoinStoreContract(variant);
  });
});
