/** Throw-away certificates made by openssl: an authority, a server for 127.0.0.1, a client, and a stranger's client. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  /** Directories as DOCKER_CERT_PATH takes them. */
  readonly server: string;
  readonly client: string;
  /** Signed by an authority of its own, which it also trusts alone. */
  readonly stranger: string;
  /** Trusts the right authority, but has no certificate. */
  readonly anonymous: string;
}

export function makeCertificates(directory: string): Certificates {
  const authority = makeAuthority(directory, 'authority');
  const other = makeAuthority(directory, 'other');
  const anonymous = join(directory, 'anonymous');
  mkdirSync(anonymous);
  copyFileSync(join(authority, 'ca.pem'), join(anonymous, 'ca.pem'));
  return {
    server: makeCertificate(directory, 'server', authority, 'subjectAltName=IP:127.0.0.1'),
    client: makeCertificate(directory, 'client', authority, 'extendedKeyUsage=clientAuth'),
    stranger: makeCertificate(directory, 'stranger', other, 'extendedKeyUsage=clientAuth'),
    anonymous,
  };
}

function makeAuthority(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  const files = ['-keyout', join(path, 'ca-key.pem'), '-out', join(path, 'ca.pem')];
  openssl('req', '-x509', ...KEY, '-subj', `/CN=${name}`, '-days', '2', ...files);
  return path;
}

function makeCertificate(directory: string, name: string, authority: string, extension: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  copyFileSync(join(authority, 'ca.pem'), join(path, 'ca.pem'));
  const request = join(path, 'request.pem');
  openssl('req', ...KEY, '-subj', `/CN=${name}`, '-keyout', join(path, 'key.pem'), '-out', request);
  writeFileSync(join(path, 'extensions'), extension);
  openssl(
    ...['x509', '-req', '-in', request, '-days', '2', '-out', join(path, 'cert.pem')],
    ...['-CA', join(authority, 'ca.pem'), '-CAkey', join(authority, 'ca-key.pem'), '-CAcreateserial'],
    ...['-extfile', join(path, 'extensions')],
  );
  return path;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
