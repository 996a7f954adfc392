import { NO_FAILPOINTS } from '../../../src/common/failpoints.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { ChangelogReader } from '../../../src/runtime/changelog-reader.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

const FACTS = {
  topic: 'log',
  partition: 0,
  topicId: 'aa',
  earliest: 0,
  end: 10,
  compacted: true,
  deleteRetentionMs: 86_400_000,
  retentionMs: Infinity,
};

/** Restores a store from chunks that end at these offsets; the positions that were written, in order. */
async function restore(...nextOffsets: number[]): Promise<number[]> {
  const written: number[] = [];
  const left = [...nextOffsets];
  const fetcher = {
    assign: () => undefined,
    pause: () => undefined,
    close: () => Promise.resolve(),
    poll: () => {
      const nextOffset = left.shift();
      if (nextOffset === undefined) return Promise.reject(new Error('asked for more'));
      return Promise.resolve([{ topic: 'log', partition: 0, nextOffset }]);
    },
  };
  const reader = new ChangelogReader({
    openFetcher: () => fetcher as never, // all that is called of it
    recordsOf: () => [],
    listener: {},
    onProgress: () => undefined,
    stallTimeoutMs: 1_000,
    clock: new VirtualClock(0),
    failpoints: NO_FAILPOINTS,
    logger: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
    tags: {},
  });
  const task = {
    restore: (_topic: string, _records: unknown, { offset }: { readonly offset: number }) => {
      written.push(offset);
      return Promise.resolve();
    },
  };
  const store = { taskId: '0_0', task, store: 'counts', facts: FACTS, from: 0, since: undefined };
  await reader.restore([store], new AbortController().signal);
  return written;
}

test('each batch is written with where it ends, so that a restore that is cut off goes on there', async () => {
  expect(await restore(4, 7, 10)).toEqual([4, 7, 10, 10]);
});

test('a restore ends by position, also where the last batches hold nothing that is seen', async () => {
  expect(await restore(11)).toEqual([11, 11]);
});
