import { joinStoreContract } from './join-store.contract.ts';
import { outerJoinStoreContract } from './outer-join-store.contract.ts';
import { subscriptionStoreContract } from './subscription-store.contract.ts';

describe.each([
  ['in memory', { storage: 'memory', objectsBytes: 1_048_576 }],
  ['in LevelDB', { storage: 'level', objectsBytes: 1_048_576 }],
  ['in LevelDB, no pages kept', { storage: 'level', objectsBytes: 0 }],
] as const)('%s', (_, variant) => {
  describe('a join store', () => {
    joinStoreContract(variant);
  });
  describe('an outer join store', () => {
    outerJoinStoreContract(variant);
  });
  describe('a subscription store', () => {
    subscriptionStoreContract(variant);
  });
});
