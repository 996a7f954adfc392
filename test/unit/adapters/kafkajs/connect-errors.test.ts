import { connectError, secretsOf } from '../../../../src/adapters/kafkajs/connect-errors.ts';

const ADDRESS = { host: 'broker', port: 9092 };

function saslError(message: string): Error {
  return Object.assign(new Error(message), { name: 'KafkaJSSASLAuthenticationError' });
}

describe('a failed connect', () => {
  test('is final when the broker refuses the credentials', () => {
    const error = connectError(
      saslError('Authentication failed: Invalid credentials'),
      ADDRESS,
      [],
    );
    expect(error).toMatchObject({
      code: 'STREAMS_AUTHENTICATION',
      site: { broker: 'broker:9092' },
    });
  });

  test('is worth another try when the connection was lost during the SASL exchange', () => {
    const error = connectError(
      saslError('SASL PLAIN authentication failed: Closed connection'),
      ADDRESS,
      [],
    );
    expect(error.code).toBe('STREAMS_CLIENT');
  });

  test.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    'is final when TLS says %s',
    (code) => {
      const error = connectError(Object.assign(new Error('no'), { code }), ADDRESS, []);
      expect(error.code).toBe('STREAMS_AUTHENTICATION');
    },
  );

  test('is worth another try when nobody listens', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(connectError(refused, ADDRESS, []).code).toBe('STREAMS_CLIENT');
  });

  test('never shows a secret, not even in its cause', () => {
    const sasl = { mechanism: 'plain', username: 'alice', password: 'hunter2' };
    const error = connectError(saslError('no user alice with hunter2'), ADDRESS, secretsOf(sasl));
    expect(error.message).toContain('alice');
    expect(error.message).not.toContain('hunter2');
    expect(error.cause).toBeUndefined();
  });
});
