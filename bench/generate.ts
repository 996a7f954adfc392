import { NO_HEADERS } from '../src/common/record.ts';
import { sum, type Cluster } from './cluster.ts';
import { expectationOf } from './data/expectation.ts';
import { EMPTY_RECORD, inputRecords } from './data/inputs.ts';
import type { Result } from './data/result.ts';
import { inputConfig, inputTopic, type Workload } from './data/workloads.ts';

const POKE_EVERY = 1_000;

/** Deletes and writes the input of a workload; returns how many records it has. */
export async function generate(
  cluster: Cluster,
  workload: Workload,
  scale: number,
): Promise<number> {
  const topic = inputTopic(workload);
  await cluster.deleteTopics((name) => name === topic);
  await cluster.createTopic(topic, inputConfig(workload));
  const producer = await cluster.producer();
  try {
    await producer.prepareTopics([topic]);
    const input = inputRecords(workload, scale);
    const record = { ...EMPTY_RECORD };
    for (let i = 0; i < input.count; i++) {
      input.next(record);
      const { key, value, partition, timestampMs } = record;
      producer.append(topic, partition, key, value, timestampMs, NO_HEADERS);
      if (i % POKE_EVERY === 0) {
        producer.poke();
        if (producer.isFull) await producer.drain();
      }
    }
    await producer.flush();
    return input.count;
  } finally {
    await producer.close();
  }
}

/** Whether the input has been written, at this scale: its records are counted. */
export async function isGenerated(
  cluster: Cluster,
  workload: Workload,
  scale: number,
): Promise<boolean> {
  const topic = inputTopic(workload);
  if (!(await cluster.topics()).includes(topic)) return false;
  return sum(await cluster.ends(topic)) === inputRecords(workload, scale).count;
}

/** What a correct run gives, from the records that are in the input topic. Reads all of it, which also warms it up. */
export async function expectResult(cluster: Cluster, workload: Workload): Promise<Result> {
  const expectation = expectationOf(workload);
  await cluster.readAll(inputTopic(workload), (key, value, timestampMs) => {
    if (value === null) throw new Error('a null that the generator did not write');
    expectation.add(key, value, timestampMs);
  });
  return expectation.result();
}
