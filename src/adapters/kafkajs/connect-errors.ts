import type { BrokerAddress } from '../../client/transport.ts';
import { StreamsError } from '../../common/errors.ts';
import type { Secrets } from './secrets.ts';

/** Node's names for a peer that TLS does not accept; a second try gives the same answer. */
const TLS_REFUSALS =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|EPROTO)/;

/** kafkajs reports a socket that went away during the SASL exchange as a failed authentication. */
const LOST_CONNECTION =
  /closed connection|connection closed|connection error|connection timeout|not connected|timed out/i;

/**
 * What a failed connect or re-authentication means: `STREAMS_AUTHENTICATION` where TLS or SASL refused, which no retry heals,
 * else `STREAMS_CLIENT`. No secret is in it, whatever the broker answered.
 */
export function connectError(
  cause: unknown,
  address: BrokerAddress,
  secrets: Secrets,
): StreamsError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const text = secrets.redact(error.message);
  const options = {
    site: { broker: `${address.host}:${address.port}` },
    // A cause would carry a secret to whoever prints it.
    ...(secrets.areIn(error) ? {} : { cause: error }),
  };
  if (TLS_REFUSALS.test(code)) {
    return new StreamsError(
      'STREAMS_AUTHENTICATION',
      `TLS failed (${code}): ${text}. Check \`ssl\` and that this port speaks TLS`,
      options,
    );
  }
  if (error.name === 'KafkaJSSASLAuthenticationError' && !LOST_CONNECTION.test(error.message)) {
    return new StreamsError(
      'STREAMS_AUTHENTICATION',
      `the broker did not accept the credentials: ${text}. Check \`sasl\``,
      options,
    );
  }
  return new StreamsError('STREAMS_CLIENT', `cannot connect: ${text}`, options);
}
