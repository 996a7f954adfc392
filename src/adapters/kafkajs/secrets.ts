import type { KafkaConfig } from 'kafkajs';
import { inspect } from 'node:util';

/** Tokens are renewed for ever; an error can name the present one or the one before. */
const MOST_TOKENS = 4;
const NOT_SECRET = ['mechanism', 'username', 'authorizationIdentity'];

interface SecuredOptions {
  readonly ssl?: KafkaConfig['ssl'];
  readonly sasl?: KafkaConfig['sasl'];
}

/** What nobody may read in a log line or an error: the texts of `ssl` and `sasl`, and tokens as they are given out. */
export class Secrets {
  /** As given, with a provider of tokens that tells us of each. */
  readonly sasl: KafkaConfig['sasl'];
  readonly #fixed: readonly string[];
  readonly #tokens: string[] = [];

  constructor({ ssl, sasl }: SecuredOptions) {
    const passphrase = typeof ssl === 'object' ? (ssl.passphrase ?? '') : '';
    this.#fixed = [...textsOf(sasl), ...(passphrase === '' ? [] : [passphrase])];
    this.sasl = this.#watched(sasl);
  }

  redact(text: string): string {
    return this.#all().reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }

  /** Whether somebody who prints this value, with all that hangs on it, shows a secret. */
  areIn(value: unknown): boolean {
    const printed = inspect(value, { depth: 10, maxStringLength: null, maxArrayLength: null });
    // As text and as `inspect` writes text that has quotes or control characters in it.
    return this.#all().some(
      (secret) => printed.includes(secret) || printed.includes(inspect(secret).slice(1, -1)),
    );
  }

  #all(): readonly string[] {
    return [...this.#fixed, ...this.#tokens];
  }

  #remember(token: unknown): void {
    if (typeof token !== 'string' || token === '' || this.#tokens.includes(token)) return;
    this.#tokens.push(token);
    if (this.#tokens.length > MOST_TOKENS) this.#tokens.shift();
  }

  #watched(sasl: KafkaConfig['sasl']): KafkaConfig['sasl'] {
    if (sasl === undefined || !('oauthBearerProvider' in sasl)) return sasl;
    const { oauthBearerProvider } = sasl;
    if (typeof oauthBearerProvider !== 'function') return sasl; // kafkajs says what is wrong
    return {
      ...sasl,
      oauthBearerProvider: async () => {
        const token = await oauthBearerProvider();
        this.#remember(token.value);
        return token;
      },
    };
  }
}

function textsOf(sasl: KafkaConfig['sasl']): readonly string[] {
  if (sasl === undefined) return [];
  return Object.entries(sasl)
    .filter(([name]) => !NOT_SECRET.includes(name))
    .flatMap(([, value]) => (typeof value === 'string' && value !== '' ? [value] : []));
}
