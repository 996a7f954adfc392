import { changeBufferContract, recordBufferContract } from './buffer.contract.ts';
import { joinStoreContract } from './join-store.contract.ts';
import { outerJoinStoreContract } from './outer-join-store.contract.ts';
import { sessionStoreContract } from './session-store.contract.ts';
import { subscriptionStoreContract } from './subscription-store.contract.ts';
import { versionedStoreContract } from './versioned-store.contract.ts';

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
  describe('a change buffer', () => {
    changeBufferContract(variant);
  });
  describe('a record buffer', () => {
    recordBufferContract(variant);
  });
  describe('a versioned store', () => {
    versionedStoreContract(variant);
  });
  describe('a subscription store', () => {
    subscriptionStoreContract(variant);
  });
  describe('an outer join store', () => {
    outerJoinStoreContract(variant);
  });
});
