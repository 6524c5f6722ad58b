/** An authority and a server's certificate, made by openssl in a folder. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const hasOpenssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
);

const keyKind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const days = ['-days', '2'];

/** Makes `name`.key and `name`.crt; returns the certificate. */
export async function makeAuthority(dir: string, name: string): Promise<Buffer> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  await run('openssl', ['req', '-x509', ...keyKind, ...files, '-subj', `/CN=${name}`, ...days], {
    cwd: dir,
  });
  return readFile(join(dir, `${name}.crt`));
}

/** The settings of a server for localhost and 127.0.0.1, whose certificate the authority `name` has signed. */
export async function serverCertificate(
  dir: string,
  name: string,
): Promise<Readonly<Record<string, string>>> {
  const hosts = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost'];
  await run('openssl', ['req', ...keyKind, ...files, ...hosts], { cwd: dir });
  const signer = ['-CA', `${name}.crt`, '-CAkey', `${name}.key`, '-CAcreateserial'];
  const signed = ['-in', 'server.csr', '-copy_extensions', 'copy', '-out', 'server.crt'];
  await run('openssl', ['x509', '-req', ...signed, ...signer, ...days], { cwd: dir });
  return {
    'tls-cert-file': join(dir, 'server.crt'),
    'tls-key-file': join(dir, 'server.key'),
    'tls-ca-cert-file': join(dir, `${name}.crt`),
    'tls-auth-clients': 'no',
  };
}
