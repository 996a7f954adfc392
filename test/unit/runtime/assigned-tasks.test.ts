import { encodeAssignmentInfo } from '../../../src/runtime/assignment/subscription-info.ts';
import { readAssignedTasks } from '../../../src/runtime/assigned-tasks.ts';
import { TopicNames } from '../../../src/runtime/task-topology.ts';
import type { TopologyPlan } from '../../../src/topology/topology-plan.ts';

const subtopology = (id: number, ...sourceTopics: readonly string[]) => ({
  id,
  nodes: [],
  stores: [],
  sourceTopics,
  sinkTopics: [],
  copartitionGroups: [],
});
const PLAN: TopologyPlan = {
  // Global tables take numbers too.
  subtopologies: [subtopology(1, 'clicks', 'users'), subtopology(3, 'by-key-repartition')],
  repartitionTopics: [{ name: 'by-key-repartition', partitions: null }],
  globalStores: [],
};
const NAMES = new TopicNames('app', new Set(['by-key-repartition']));

const TOPOLOGY = 'cafe';

const read = (tasks: readonly string[], partitions: readonly string[]) =>
  readAssignedTasks(
    {
      partitions: partitions.map((text) => {
        const at = text.lastIndexOf('-');
        return { topic: text.slice(0, at), partition: Number(text.slice(at + 1)) };
      }),
      userData: encodeAssignmentInfo({ topology: TOPOLOGY, tasks, error: null }),
    },
    PLAN,
    NAMES,
    TOPOLOGY,
  )?.map(({ id, partitions: inputs }) => [
    id.toString(),
    inputs.map(({ topic, partition }) => `${topic}-${partition}`),
  ]);

describe('an assignment', () => {
  test('gives each task the partitions of its number, with the names of the cluster', () => {
    expect(
      read(['1_0', '1_1', '3_1'], ['clicks-0', 'users-0', 'clicks-1', 'app-by-key-repartition-1']),
    ).toEqual([
      ['1_0', ['clicks-0', 'users-0']],
      ['1_1', ['clicks-1']],
      ['3_1', ['app-by-key-repartition-1']],
    ]);
  });

  test('without any bytes is one without tasks', () => {
    const nothing = { partitions: [], userData: new Uint8Array(0) };
    expect(readAssignedTasks(nothing, PLAN, NAMES, TOPOLOGY)).toEqual([]);
  });

  test('of a task that this topology lacks is refused', () => {
    expect(() => read(['2_0'], [])).toThrow('another applicationId');
  });

  test('that was made for another topology is none', () => {
    const userData = encodeAssignmentInfo({ topology: 'beef', tasks: ['1_0'], error: null });
    expect(readAssignedTasks({ partitions: [], userData }, PLAN, NAMES, TOPOLOGY)).toBeNull();
  });

  test('can be an error, with the code of the leader', () => {
    const refusal = (code: string) => ({
      partitions: [],
      userData: encodeAssignmentInfo({
        topology: '',
        tasks: [],
        error: { code, message: 'no such topic' },
      }),
    });
    const thrown = (code: string): unknown => {
      try {
        return readAssignedTasks(refusal(code), PLAN, NAMES, TOPOLOGY);
      } catch (error) {
        return error;
      }
    };
    expect(thrown('STREAMS_TOPIC_MISSING')).toMatchObject({
      code: 'STREAMS_TOPIC_MISSING',
      message: 'no such topic',
    });
    expect(thrown('STREAMS_OF_THE_FUTURE')).toMatchObject({ code: 'STREAMS_STOPPED' });
  });
});
