import { inspect } from 'node:util';
import fc from 'fast-check';
import { connectError } from '../../../../src/adapters/kafkajs/connect-errors.ts';
import { Secrets } from '../../../../src/adapters/kafkajs/secrets.ts';

const ADDRESS = { host: 'broker', port: 9092 };
const NO_SECRETS = new Secrets({});

function saslError(message: string): Error {
  return Object.assign(new Error(message), { name: 'KafkaJSSASLAuthenticationError' });
}

describe('a failed connect', () => {
  test('is final when the broker refuses the credentials', () => {
    const error = connectError(
      saslError('Authentication failed: Invalid credentials'),
      ADDRESS,
      NO_SECRETS,
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
      NO_SECRETS,
    );
    expect(error.code).toBe('STREAMS_CLIENT');
  });

  test.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    'is final when TLS says %s',
    (code) => {
      const error = connectError(Object.assign(new Error('no'), { code }), ADDRESS, NO_SECRETS);
      expect(error.code).toBe('STREAMS_AUTHENTICATION');
    },
  );

  test('is worth another try when nobody listens', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(connectError(refused, ADDRESS, NO_SECRETS).code).toBe('STREAMS_CLIENT');
  });

  test('keeps the name of the user and not the password', () => {
    const sasl = { mechanism: 'plain', username: 'alice', password: 'hunter2' } as const;
    const refused = saslError('no user alice with hunter2');
    const error = connectError(refused, ADDRESS, new Secrets({ sasl }));
    expect(error.message).toContain('no user alice with ***');
  });

  test('never shows a secret, wherever in what was caught it stands', async () => {
    // Long enough not to be in the stack of every error.
    const secret = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 });
    const place = fc.constantFrom('message', 'cause', 'property', 'stack');
    const kind = fc.constantFrom('password', 'token', 'passphrase');
    await fc.assert(
      fc.asyncProperty(secret, place, kind, async (text, where, what) => {
        const caught = saslError(where === 'message' ? `refused ${text}` : 'refused');
        if (where === 'cause') caught.cause = new Error(`because of ${text}`);
        if (where === 'property') Object.assign(caught, { request: { auth: [text] } });
        if (where === 'stack') caught.stack = `Error: ${text}\n    at nowhere`;
        const error = connectError(caught, ADDRESS, await secretsWith(what, text));
        expect(error.code).toBe('STREAMS_AUTHENTICATION');
        const printed = inspect(error, { depth: 10 });
        expect(printed).not.toContain(text);
        expect(printed).not.toContain(inspect(text).slice(1, -1));
      }),
    );
  });
});

async function secretsWith(what: string, text: string): Promise<Secrets> {
  if (what === 'password') {
    return new Secrets({ sasl: { mechanism: 'plain', username: 'alice', password: text } });
  }
  if (what === 'passphrase') return new Secrets({ ssl: { passphrase: text } });
  const oauthBearerProvider = () => Promise.resolve({ value: text });
  const secrets = new Secrets({ sasl: { mechanism: 'oauthbearer', oauthBearerProvider } });
  const { sasl } = secrets;
  if (sasl !== undefined && 'oauthBearerProvider' in sasl) await sasl.oauthBearerProvider();
  return secrets;
}
