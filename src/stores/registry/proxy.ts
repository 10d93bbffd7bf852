/**
 * Which HTTP proxy a request goes through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in either case, read as Go programs
 * read them (golang.org/x/net/http/httpproxy), so that didiff goes the way that docker and skopeo go.
 */
import { BlockList, isIP } from 'node:net';
import { DidiffError } from '../../errors.ts';
import { isLoopback, withoutBrackets } from './address.ts';

export interface HttpProxy {
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: number;
  /** For messages: without credentials. */
  readonly address: string;
  /** The value of Proxy-Authorization, where the address has credentials. Never to be shown. */
  readonly authorization?: string;
  /** What must not show in any message. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy for `url`; undefined to go straight. This machine's own ports are never asked for elsewhere. Throws USAGE. */
export function proxyFor(url: URL, env: Environment): HttpProxy | undefined {
  const isTls = url.protocol === 'https:';
  const text = isTls ? env['HTTPS_PROXY'] || env['https_proxy'] : env['HTTP_PROXY'] || env['http_proxy'];
  const excluded = env['NO_PROXY'] || env['no_proxy'] || '';
  if (!text || isLoopback(url.hostname) || isExcluded(url, excluded)) return undefined;
  return parseProxy(text, isTls ? 'HTTPS_PROXY' : 'HTTP_PROXY');
}

function parseProxy(text: string, name: string): HttpProxy {
  const url = parseUrl(/^[a-z0-9+.-]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url === undefined || url.hostname === '' || !['http:', 'https:'].includes(url.protocol)) {
    // The text may hold a password: it isn't quoted.
    throw new DidiffError('USAGE', `${name} is not the address of an HTTP proxy`, {
      hint: 'Write http://host:port or https://host:port; SOCKS proxies are not supported.',
    });
  }
  const isTls = url.protocol === 'https:';
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const encoded = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    isTls,
    hostname: withoutBrackets(url.hostname),
    port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
    address: `${url.protocol}//${url.host}`,
    ...(user === '' ? {} : { authorization: `Basic ${encoded}` }),
    secrets: user === '' ? [] : [password, encoded, url.password],
  };
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Entries are `*`, names (with all below them), `.names` (only what is below), addresses, networks; each with a port. */
function isExcluded(url: URL, list: string): boolean {
  const host = withoutBrackets(url.hostname).toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list.split(',').some((item) => {
    const entry = item.trim().toLowerCase();
    return entry !== '' && (entry === '*' || matches(entry, host, port));
  });
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry.includes('/')) return isInNetwork(entry, host);
  if (isIP(withoutBrackets(entry)) !== 0) return withoutBrackets(entry) === host;
  const colon = entry.lastIndexOf(':');
  const name = withoutBrackets(colon < 0 ? entry : entry.slice(0, colon)).replace(/^\*(?=\.)/, '');
  if (colon >= 0 && entry.slice(colon + 1) !== port) return false;
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isInNetwork(entry: string, host: string): boolean {
  const [network = '', bits = ''] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), type);
  return list.check(host, type);
}
