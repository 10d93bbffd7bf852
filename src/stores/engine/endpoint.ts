/**
 * Which engine is meant, decided as the docker CLI decides it: an explicit host, DOCKER_HOST, DOCKER_CONTEXT, the
 * current context of the CLI's config.json, and at last the local socket. Nothing is connected here.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DidiffError } from '../../errors.ts';
import { currentContextName, loadContext } from './docker-context.ts';
import { loadTlsDirectory, type TlsMaterial } from './tls-material.ts';

/** Where Docker listens unless told otherwise. */
export const DEFAULT_HOST = 'unix:///var/run/docker.sock';

export type Transport =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly hostname: string;
      readonly port: number;
      readonly basePath: string;
      /** `user:password`, which goes out as basic authentication and never into a message. */
      readonly credentials?: string;
      readonly tls?: TlsMaterial;
    }
  | {
      readonly kind: 'ssh';
      readonly hostname: string;
      readonly user?: string;
      readonly port?: number;
      /** The socket on the other machine, where it isn't that machine's default. */
      readonly remoteSocket?: string;
    };

export interface Endpoint {
  readonly transport: Transport;
  /** The address without credentials, for messages. */
  readonly address: string;
  /** What decided it: `DOCKER_HOST`, `context fleet`, … */
  readonly chosenBy: string;
}

export interface EndpointOptions {
  /** An address as DOCKER_HOST takes it; goes before everything else. */
  readonly host?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly homeDirectory?: string | undefined;
}

/** Throws USAGE for addresses that can't be read, UNSUPPORTED for npipe, NOT_FOUND for contexts and certificates. */
export function chooseEndpoint(options: EndpointOptions = {}): Endpoint {
  const env = options.env ?? process.env;
  const configDirectory =
    env['DOCKER_CONFIG'] || join(options.homeDirectory ?? env['HOME'] ?? homedir(), '.docker');
  const fromEnvironment = (host: string, chosenBy: string): Endpoint =>
    parseHost(host, chosenBy, tlsOfEnvironment(env, configDirectory));
  if (options.host) return fromEnvironment(options.host, 'the address given');
  if (env['DOCKER_HOST']) return fromEnvironment(env['DOCKER_HOST'], 'DOCKER_HOST');
  const name = currentContextName(env, configDirectory);
  if (name === undefined) return fromEnvironment(DEFAULT_HOST, 'default');
  const context = loadContext(configDirectory, name);
  return parseHost(context.host, `context ${name}`, () => context.tls);
}

/** Reads an address; `tls` is asked for only where the transport can use it. */
export function parseHost(host: string, chosenBy: string, tls: () => TlsMaterial | undefined): Endpoint {
  const address = withoutCredentials(host.trim());
  const refuse = (reason: string): DidiffError =>
    new DidiffError('USAGE', `engine address ${JSON.stringify(address)} (${chosenBy}): ${reason}`, {
      hint: 'Use unix:///path, tcp://host:port, https://host:port or ssh://user@host.',
    });
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/i.exec(host.trim()) ?? [];
  if (scheme === undefined || rest === undefined) throw refuse('it has no scheme');
  switch (scheme.toLowerCase()) {
    case 'unix':
      if (!rest.startsWith('/')) throw refuse('the path of the socket must be absolute');
      return { transport: { kind: 'unix', path: rest }, address, chosenBy };
    case 'tcp':
    case 'http':
    case 'https':
      return { transport: parseTcp(scheme.toLowerCase(), rest, tls, refuse), address, chosenBy };
    case 'ssh':
      return { transport: parseSsh(rest, refuse), address, chosenBy };
    case 'npipe':
      throw new DidiffError(
        'UNSUPPORTED',
        `engine address ${address}: Windows named pipes are not supported`,
        {
          hint: 'Let the engine listen on tcp:// or ssh:// and name that in DOCKER_HOST, or work on a saved archive.',
        },
      );
    default:
      throw refuse(`scheme ${scheme} is not known`);
  }
}

type Refuse = (reason: string) => DidiffError;

function parseTcp(
  scheme: string,
  rest: string,
  tls: () => TlsMaterial | undefined,
  refuse: Refuse,
): Transport {
  const material =
    scheme === 'http' ? undefined : (tls() ?? (scheme === 'https' ? { verify: true } : undefined));
  // docker takes `tcp://:2375` for this machine; no URL does.
  const url = parseUrl(rest.startsWith(':') ? `127.0.0.1${rest}` : rest, refuse);
  return {
    kind: 'tcp',
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (material === undefined ? 2375 : 2376) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    ...(url.username === ''
      ? {}
      : { credentials: `${unescapeText(url.username, refuse)}:${unescapeText(url.password, refuse)}` }),
    ...(material === undefined ? {} : { tls: material }),
  };
}

function parseSsh(rest: string, refuse: Refuse): Transport {
  const url = parseUrl(rest, refuse);
  if (url.password !== '') throw refuse('ssh takes no password in the address; use keys or an agent');
  const user = unescapeText(url.username, refuse);
  // What starts with a dash would be an option to ssh, whatever it was meant to be.
  if (user.startsWith('-') || url.hostname.startsWith('-')) throw refuse('names must not start with a dash');
  return {
    kind: 'ssh',
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(user === '' ? {} : { user }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(url.pathname === '' || url.pathname === '/' ? {} : { remoteSocket: url.pathname }),
  };
}

function unescapeText(text: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse('the user has a broken %-escape');
  }
}

/** `rest` is what follows the scheme. A scheme without a default port keeps every port visible. */
function parseUrl(rest: string, refuse: Refuse): URL {
  let url: URL;
  try {
    url = new URL(`engine://${rest}`);
  } catch {
    throw refuse('host and port can not be read');
  }
  if (url.hostname === '') throw refuse('it names no host');
  if (url.search !== '' || url.hash !== '') throw refuse('it must not have a query');
  return url;
}

/** DOCKER_TLS_VERIFY proves the engine, DOCKER_TLS only encrypts; the files are in DOCKER_CERT_PATH or ~/.docker. */
function tlsOfEnvironment(env: NodeJS.ProcessEnv, configDirectory: string): () => TlsMaterial | undefined {
  return () => {
    const verify = Boolean(env['DOCKER_TLS_VERIFY']);
    if (!verify && !env['DOCKER_TLS']) return undefined;
    return loadTlsDirectory(env['DOCKER_CERT_PATH'] || configDirectory, verify);
  };
}

function withoutCredentials(address: string): string {
  // An SSH user is no secret and tells addresses apart; anything with a password, or for HTTP, is dropped.
  return /^ssh:/i.test(address)
    ? address.replace(/^([a-z]+:\/\/[^/@:]*):[^/]*@/i, '$1@')
    : address.replace(/^([a-z]+:\/\/)[^/]*@/i, '$1');
}
