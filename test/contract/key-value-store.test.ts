import { serdes } from '../../src/serde/serdes.ts';
import { keyValueStoreContract } from './key-value-store.contract.ts';

const TEXT = { value: serdes.string, make: (number: number) => `value ${number}` };
const JSON_VALUES = {
  value: serdes.json<{ readonly n: number }>(),
  make: (number: number) => ({ n: number }),
};

const MEMORY = { storage: 'memory', objectsBytes: 1_048_576 } as const;
const LEVEL = { storage: 'level', objectsBytes: 1_048_576 } as const;
const NO_OBJECTS = { storage: 'level', objectsBytes: 0 } as const;

describe.each([
  ['in memory', MEMORY],
  ['in LevelDB', LEVEL],
  ['in LevelDB, no objects kept', NO_OBJECTS],
])('a key-value store %s', (_, where) => {
  describe.each([
    ['uncached', 0],
    ['cached', 100_000],
  ])('%s', (__, cacheBytes) => {
    describe('of texts', () => {
      keyValueStoreContract({ ...where, cacheBytes, ...TEXT });
    });
    describe('of objects', () => {
      keyValueStoreContract({ ...where, cacheBytes, ...JSON_VALUES });
    });
  });
});
