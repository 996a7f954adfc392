import { StreamsError } from '../../common/errors.ts';
import { runCommand, type RunCommandOptions } from './run-command.ts';
import { KEYSTORE_PASSWORD } from './server-properties.ts';

/** `keytool` arguments that make a self-signed certificate for this host in a new keystore. */
export function generateArguments(keystore: string): string[] {
  const key = ['-genkeypair', '-alias', 'broker', '-keyalg', 'RSA', '-keysize', '2048'];
  const subject = ['-dname', 'CN=localhost', '-ext', 'san=dns:localhost,ip:127.0.0.1'];
  const authority = ['-ext', 'bc:c', '-validity', '2'];
  return [...key, ...subject, ...authority, ...storeArguments(keystore)];
}

/** `keytool` arguments that print the certificate as PEM. */
export function exportArguments(keystore: string): string[] {
  return ['-exportcert', '-rfc', '-alias', 'broker', ...storeArguments(keystore)];
}

function storeArguments(keystore: string): string[] {
  return ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', KEYSTORE_PASSWORD];
}

/** Makes a keystore for the broker and resolves with the certificate that clients have to trust. */
export async function makeCertificate(
  keytool: string,
  keystore: string,
  options: Omit<RunCommandOptions, 'what'>,
): Promise<string> {
  const run = async (args: string[]): Promise<string> => {
    const result = await runCommand(keytool, args, { ...options, what: 'keytool' });
    if (result.exitCode === 0) return result.stdout;
    const output = `${result.stdout}${result.stderr}`;
    throw new StreamsError('STREAMS_CONFIG', `keytool made no certificate: ${output}`);
  };
  await run(generateArguments(keystore));
  return run(exportArguments(keystore));
}
