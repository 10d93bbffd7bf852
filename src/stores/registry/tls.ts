/**
 * What a registry's certificate is proved with, and what we prove ourselves with: the authorities of node and of the
 * system, and per registry the directories `certs.d/HOST[:PORT]` of docker and of skopeo and podman.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DidiffError } from '../../errors.ts';
import { nodeTls } from '../network.ts';

export interface TlsChoice {
  /** False: any certificate will do. Default true. */
  readonly tlsVerify?: boolean | undefined;
  /** Used instead of the `certs.d` directories: `*.crt` authorities, `*.cert` with `*.key` for ourselves. */
  readonly certDirectory?: string | undefined;
}

/** As node's TLS takes it; everything is PEM. */
export interface TlsSettings {
  readonly rejectUnauthorized: boolean;
  /** The authorities to be tried first: the registry's own, or absent, those that node knows. */
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  /** Every authority there is. Reading them takes a hundred times as long, so only when the first ones don't do. */
  allAuthorities(): readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where Linux distributions and BSDs keep their authorities in one file; the first that is there is taken. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Reads what there is for `host` (with its port, as in names). Throws NOT_FOUND or STORAGE naming the file. */
export function tlsSettings(host: string, choice: TlsChoice, env: Environment): TlsSettings {
  const rejectUnauthorized = choice.tlsVerify ?? true;
  const own = findDirectory(host, choice, env);
  const files = own === undefined ? [] : readdirSync(own).sort();
  const authorities = files.filter((name) => name.endsWith('.crt')).map((name) => readPem(join(own!, name)));
  const client = own === undefined ? {} : clientCertificate(own, files);
  return {
    rejectUnauthorized,
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...client,
    allAuthorities: () => [...authorities, ...systemAuthorities(env), ...nodeTls().rootCertificates],
  };
}

function findDirectory(host: string, choice: TlsChoice, env: Environment): string | undefined {
  if (choice.certDirectory !== undefined) {
    if (isDirectory(choice.certDirectory)) return choice.certDirectory;
    throw new DidiffError('NOT_FOUND', `there is no directory ${choice.certDirectory} with certificates`, {
      hint: 'Check the path given with --cert-dir.',
    });
  }
  const home = env['HOME'] ?? '';
  const places = [
    ...(home === '' ? [] : [join(home, '.config/containers/certs.d'), join(home, '.docker/certs.d')]),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ];
  return places.map((place) => join(place, host)).find(isDirectory);
}

function isDirectory(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new DidiffError('STORAGE', `can not read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function clientCertificate(directory: string, files: readonly string[]) {
  const name = files.find((file) => file.endsWith('.cert'));
  if (name === undefined) return {};
  const keyName = name.replace(/cert$/, 'key');
  if (!files.includes(keyName)) {
    throw new DidiffError(
      'NOT_FOUND',
      `${join(directory, name)} has no key: there is no ${keyName} beside it`,
      {
        hint: 'A client certificate NAME.cert needs its key in NAME.key.',
      },
    );
  }
  return { cert: readPem(join(directory, name)), key: readPem(join(directory, keyName)) };
}

function systemAuthorities(env: Environment): readonly string[] {
  const named = env['SSL_CERT_FILE'];
  const bundle = named ? readPem(named) : firstOf(SYSTEM_BUNDLES);
  const extra = env['NODE_EXTRA_CA_CERTS'];
  return [...(bundle === undefined ? [] : [bundle]), ...(extra ? [readPem(extra)] : [])];
}

function firstOf(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (cause) {
    throw new DidiffError('STORAGE', `can not read ${path}: ${(cause as Error).message}`, {
      hint: 'Check the permissions of the certificate files.',
      cause,
    });
  }
}
