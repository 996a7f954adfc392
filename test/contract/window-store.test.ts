import { windowStoreContract } from './window-store.contract.ts';

describe.each([
  ['in memory', { storage: 'memory', objectsBytes: 1_048_576 }],
  ['in LevelDB', { storage: 'level', objectsBytes: 1_048_576 }],
  ['in LevelDB, no objects kept', { storage: 'level', objectsBytes: 0 }],
] as const)('a window store %s', (_, where) => {
  describe.each([
    ['uncached', 0],
    ['cached', 100_000],
  ])('%s', (__, cacheBytes) => {
    windowStoreContract({ ...where, cacheBytes });
    describe('in packed pages', () => {
      windowStoreContract({ ...where, cacheBytes, paged: true });
    });
  });
});
