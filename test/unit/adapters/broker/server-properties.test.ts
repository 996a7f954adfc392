import { planBroker } from '../../../../src/adapters/broker/broker-plan.ts';
import {
  chooseAddresses,
  formatArguments,
  newClusterId,
  serverProperties,
} from '../../../../src/adapters/broker/server-properties.ts';
import type { StartKafkaOptions } from '../../../../src/testing.ts';

const FILES = { dataFolder: '/data', keystore: '/keystore.p12' };
const PLACE = { bind: '127.0.0.1', clientHost: '127.0.0.1', peerHost: '127.0.0.1' };

/** The properties of the last node, by name. */
async function propertiesOf(options: StartKafkaOptions): Promise<Map<string, string>> {
  const plan = planBroker(options);
  const addresses = await chooseAddresses(plan.nodes, () => PLACE);
  const last = addresses.at(-1);
  if (last === undefined) throw new Error('no node');
  const text = serverProperties(plan, last, addresses, FILES);
  const lines = text.trimEnd().split('\n');
  return new Map(lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]));
}

describe('server properties', () => {
  test.each([
    [1, '1', '1'],
    [3, '3', '2'],
  ] as const)(
    '%d nodes replicate with factor %s, at least %s in sync',
    async (nodes, factor, inSync) => {
      const properties = await propertiesOf({ nodes });
      expect(properties.get('transaction.state.log.replication.factor')).toBe(factor);
      expect(properties.get('offsets.topic.replication.factor')).toBe(factor);
      expect(properties.get('transaction.state.log.min.isr')).toBe(inSync);
      expect(properties.get('controller.quorum.voters')?.split(',')).toHaveLength(nodes);
    },
  );

  test('a property of the user wins over ours', async () => {
    const properties = await propertiesOf({ properties: { 'broker.session.timeout.ms': '9000' } });
    expect(properties.get('broker.session.timeout.ms')).toBe('9000');
  });

  test('passwords are written for SASL listeners only, and the keystore for TLS only', async () => {
    const users = { alice: 'secret' };
    const plain = await propertiesOf({});
    const sasl = await propertiesOf({ listeners: 'SASL_PLAINTEXT', users });
    const tls = await propertiesOf({ listeners: 'SASL_SSL', users });
    const jaas = 'listener.name.client.plain.sasl.jaas.config';
    const keystore = 'listener.name.client.ssl.keystore.location';
    expect([plain, sasl, tls].map((each) => each.has(jaas))).toEqual([false, true, true]);
    expect([plain, sasl, tls].map((each) => each.has(keystore))).toEqual([false, false, true]);
    expect(sasl.get(jaas)).toContain('user_alice="secret"');
  });

  test('every SCRAM mechanism knows every user from the start', () => {
    const users = { alice: 'secret', bob: 'hidden' };
    const plan = planBroker({ listeners: 'SASL_PLAINTEXT', users });
    const args = formatArguments(plan, 'cluster', '/server.properties');
    expect(args.filter((arg) => arg === '--add-scram')).toHaveLength(4);
  });

  test('a cluster id never looks like an option', () => {
    const ids = Array.from({ length: 1000 }, newClusterId);
    expect(ids.filter((id) => id.startsWith('-'))).toEqual([]);
  });
});
