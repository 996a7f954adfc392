import { KafkaStreams, type KafkaStreamsOptions, type Topology } from '../../src/index.ts';
import { sharedBrokers, uniqueName } from './broker.ts';
import { tempFolder } from './temp-folder.ts';

/** An application on the shared broker, with a state folder of its own that is gone at the end. */
export interface TestApp extends AsyncDisposable {
  readonly applicationId: string;
  readonly stateDir: string;
  /** An instance that is not started; closed at the end. */
  create(topology: Topology, options?: Partial<KafkaStreamsOptions>): KafkaStreams;
  /** An instance that runs; closed at the end. */
  start(topology: Topology, options?: Partial<KafkaStreamsOptions>): Promise<KafkaStreams>;
}

export async function testApp(defaults: Partial<KafkaStreamsOptions> = {}): Promise<TestApp> {
  const folder = await tempFolder();
  const applicationId = uniqueName('app');
  const instances: KafkaStreams[] = [];
  const create: TestApp['create'] = (topology, options = {}) => {
    const streams = new KafkaStreams(topology, {
      applicationId,
      brokers: sharedBrokers(),
      processingGuarantee: 'exactly_once_v2',
      stateDir: folder.path,
      ...defaults,
      ...options,
    });
    instances.push(streams);
    return streams;
  };
  return {
    applicationId,
    stateDir: folder.path,
    create,
    start: async (topology, options) => {
      const streams = create(topology, options);
      await streams.start();
      return streams;
    },
    [Symbol.asyncDispose]: async () => {
      for (const streams of instances) await streams.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A metric of an instance, summed over its series. */
export function metric(streams: KafkaStreams, name: string): number {
  return streams
    .metrics()
    .snapshot()
    .filter((sample) => sample.name === name)
    .reduce((sum, { value }) => sum + value, 0);
}
