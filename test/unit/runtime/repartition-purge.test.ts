import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { RepartitionPurge } from '../../../src/runtime/repartition-purge.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Keeps what it is asked to delete, and refuses what it is told to. */
function purge(refuse: readonly string[] = []) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const subject = new RepartitionPurge({
    admin: {
      deleteRecords: (before) => {
        asked.push(
          ...before.map(({ topic, partition, offset }) => `${topic}-${partition}<${offset}`),
        );
        const refused = before.filter(({ topic }) => refuse.includes(topic));
        return Promise.resolve(
          new Map(
            refused.map(({ topic, partition }) => [`${topic}-${partition}`, new Error() as never]),
          ),
        );
      },
    },
    intervalMs: 1_000,
    isRepartitionTopic: (topic) => topic.endsWith('-repartition'),
    clock,
    logger: SILENT_LOGGER,
  });
  const commit = (topic: string, offset: number): void => {
    subject.committed([{ topic, partition: 0, offset, metadata: '' }]);
  };
  const afterInterval = async (): Promise<string[]> => {
    clock.advance(1_000);
    subject.maybePurge();
    await subject.settled();
    return asked.splice(0);
  };
  return { subject, commit, afterInterval, asked };
}

describe('purge of repartition topics', () => {
  test('deletes below what was committed, of repartition topics only, once an interval', async () => {
    const { subject, commit, afterInterval, asked } = purge();
    commit('a-repartition', 5);
    commit('a-repartition', 8);
    commit('input', 3);
    subject.maybePurge();
    expect(asked).toEqual([]);
    expect(await afterInterval()).toEqual(['a-repartition-0<8']);
  });

  test('does not ask again for what is gone', async () => {
    const { commit, afterInterval } = purge();
    commit('a-repartition', 8);
    await afterInterval();
    expect(await afterInterval()).toEqual([]);
    commit('a-repartition', 9);
    expect(await afterInterval()).toEqual(['a-repartition-0<9']);
  });

  test('asks again for what was refused', async () => {
    const { commit, afterInterval } = purge(['a-repartition']);
    commit('a-repartition', 8);
    await afterInterval();
    expect(await afterInterval()).toEqual(['a-repartition-0<8']);
  });

  test('forgets partitions that somebody else owns', async () => {
    const { subject, commit, afterInterval } = purge();
    commit('a-repartition', 8);
    subject.forget();
    expect(await afterInterval()).toEqual([]);
  });
});
