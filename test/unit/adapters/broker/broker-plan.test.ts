import { planBroker } from '../../../../src/adapters/broker/broker-plan.ts';
import type { StartKafkaOptions } from '../../../../src/testing.ts';

describe('options of a broker', () => {
  test.each<[string, StartKafkaOptions]>([
    ['transactionVersion', { version: '3.9', transactionVersion: 2 }],
    ['nodes', { nodes: 2 as 3 }],
    ['users', { listeners: 'SASL_SSL' }],
    ['users', { users: { alice: 'secret' } }],
    ['users', { listeners: 'SASL_PLAINTEXT', users: { alice: 'se"cret' } }],
    ['users', { listeners: 'SASL_PLAINTEXT', users: { 'a,lice': 'secret' } }],
  ])('a wrong %s is refused by name: %j', (option, options) => {
    expect(() => planBroker(options)).toThrow(
      expect.objectContaining({ code: 'STREAMS_CONFIG', site: { option } }) as Error,
    );
  });

  test('a refused password is not repeated', () => {
    const options = { listeners: 'SASL_SSL', users: { alice: 'pass word' } } as const;
    expect(() => planBroker(options)).not.toThrow(/pass word/);
  });

  test('transaction protocol 1 is all that 3.9 has, so its storage is formatted without the feature', () => {
    expect(
      planBroker({ version: '3.9', transactionVersion: 1 }).transactionVersion,
    ).toBeUndefined();
    expect(planBroker({ version: '4.3', transactionVersion: 1 }).transactionVersion).toBe(1);
  });
});
