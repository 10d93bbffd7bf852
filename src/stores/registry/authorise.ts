/**
 * Log-in to one registry: basic, or a bearer token from the service it names (the distribution project's token
 * authentication, and its OAuth2 form for refresh tokens). Guards that credentials go only to the registry and to the
 * service it named, never over plain HTTP when the registry itself speaks TLS, and that no secret reaches a message.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { DidiffError } from '../../errors.ts';
import { parseObject } from '../../image/manifest.ts';
import { isLoopback } from './address.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import type { Secrets } from './secrets.ts';

export interface AuthoriserSettings {
  /** For messages. */
  readonly registry: string;
  readonly secrets: Secrets;
  /** Called at most once, when the registry asks for a log-in. */
  findCredentials(signal: AbortSignal | undefined): Promise<Credentials | undefined>;
  /** A request to a token service. Repeated where that helps; the body is read by the caller. */
  ask(url: URL, init: TokenRequest): Promise<{ readonly status: number; readonly body: Uint8Array }>;
}

export interface TokenRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** A form, for POST. */
  readonly form?: URLSearchParams;
  readonly signal?: AbortSignal | undefined;
}

export interface Authoriser {
  /** The Authorization header for a request that needs `scopes`, from what is known by now. */
  headerFor(scopes: readonly string[]): string | undefined;
  /**
   * Answers a 401: gets what the registry asks for. False when nothing new can be tried, that is when what was sent was
   * refused. Throws UNAUTHORISED when there is nothing to log in with.
   */
  answerChallenge(
    headers: IncomingHttpHeaders,
    isSecure: boolean,
    scopes: readonly string[],
    sent: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean>;
}

interface Token {
  readonly header: string;
  readonly expiresAtMs: number;
}

const MAX_TOKEN_BYTES = 1 << 20;
const DEFAULT_LIFE_S = 60;
/** A token is not used in its last seconds: it must hold until the request has arrived. */
const MARGIN_MS = 10_000;

export function openAuthoriser(settings: AuthoriserSettings): Authoriser {
  const tokens = new Map<string, Token>();
  let basic: string | undefined;
  let credentials: Promise<Credentials | undefined> | undefined;
  const load = async (signal: AbortSignal | undefined): Promise<Credentials | undefined> => {
    credentials ??= settings.findCredentials(signal);
    const found = await credentials;
    settings.secrets.add(...secretsOf(found));
    return found;
  };
  return {
    headerFor(scopes) {
      const token = tokens.get(scopes.join(' '));
      return token !== undefined && token.expiresAtMs > Date.now() ? token.header : basic;
    },
    async answerChallenge(headers, isSecure, scopes, sent, signal) {
      const challenges = parseChallenges(headers['www-authenticate'] ?? '');
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
      const found = await load(signal);
      if (bearer !== undefined) {
        // A token that was just fetched and is refused will be refused again.
        const known = tokens.get(scopes.join(' '));
        if (sent !== undefined && known?.header === sent && known.expiresAtMs > Date.now()) return false;
        const token = await fetchToken(settings, bearer, isSecure, scopes, found, signal);
        if (token.header === sent) return false;
        tokens.set(scopes.join(' '), token);
        return true;
      }
      if (!challenges.some(({ scheme }) => scheme === 'basic')) return false;
      if (found?.kind !== 'password') throw notLoggedIn(settings.registry);
      const header = basicHeader(found);
      settings.secrets.add(header.slice('Basic '.length));
      if (sent === header) return false;
      basic = header;
      return true;
    },
  };
}

/** What is told when the registry wants to know who asks, and there is nothing to tell it. */
export function notLoggedIn(registry: string): DidiffError {
  return new DidiffError('UNAUTHORISED', `${registry} wants a log-in, and there are no credentials for it`, {
    hint: `Log in first: docker login ${registry} (or skopeo login, podman login).`,
  });
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function secretsOf(credentials: Credentials | undefined): readonly string[] {
  if (credentials === undefined) return [];
  return credentials.kind === 'password' ? [credentials.password] : [credentials.token];
}

async function fetchToken(
  settings: AuthoriserSettings,
  { parameters }: Challenge,
  isSecure: boolean,
  scopes: readonly string[],
  credentials: Credentials | undefined,
  signal: AbortSignal | undefined,
): Promise<Token> {
  if (credentials?.kind === 'bearer') return { header: `Bearer ${credentials.token}`, expiresAtMs: Infinity };
  const realm = realmOf(settings.registry, parameters['realm'], isSecure);
  const service = parameters['service'];
  const wanted = scopes.length > 0 ? scopes : (parameters['scope'] ?? '').split(' ').filter((s) => s !== '');
  const request = tokenRequest(realm, service, wanted, credentials);
  const { status, body } = await settings.ask(request.url, { ...request, signal });
  if (status < 200 || status >= 300) throw tokenRefused(settings.registry, realm, status, credentials);
  const token = parseToken(body, `the answer of ${realm.host}, which logs in to ${settings.registry}`);
  settings.secrets.add(token.header.slice('Bearer '.length));
  return token;
}

function tokenRequest(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): { url: URL; headers: Record<string, string>; form?: URLSearchParams } {
  if (credentials?.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: service ?? '',
      client_id: 'didiff',
      scope: scopes.join(' '),
      refresh_token: credentials.token,
    });
    return { url: realm, headers: {}, form };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials?.kind !== 'password') return { url, headers: {} };
  url.searchParams.set('account', credentials.username);
  return { url, headers: { authorization: basicHeader(credentials) } };
}

/** The service's address. A registry reached over TLS may not have the password sent in the clear elsewhere. */
function realmOf(registry: string, text: string | undefined, isSecure: boolean): URL {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  if (url?.protocol === 'http:' && (!isSecure || isLoopback(url.hostname))) return url;
  throw new DidiffError(
    'UNAUTHORISED',
    `${registry} names a log-in service that can't be used: ${url === undefined ? 'no address' : url.origin}`,
    { hint: 'It must be an https:// address; tell whoever runs the registry.' },
  );
}

function parseToken(body: Uint8Array, what: string): Token {
  const json = parseObject(body, what, MAX_TOKEN_BYTES);
  const token = json['token'] ?? json['access_token'];
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new DidiffError('UNAUTHORISED', `${what}, has no token`);
  }
  const life = json['expires_in'];
  const lifeS = typeof life === 'number' && life > 0 ? Math.max(life, DEFAULT_LIFE_S) : DEFAULT_LIFE_S;
  return { header: `Bearer ${token}`, expiresAtMs: Date.now() + lifeS * 1000 - MARGIN_MS };
}

function tokenRefused(
  registry: string,
  realm: URL,
  status: number,
  credentials: Credentials | undefined,
): DidiffError {
  if (status !== 401 && status !== 403 && status !== 400) {
    return new DidiffError('UNREACHABLE', `${realm.host} gives no token for ${registry} (status ${status})`, {
      hint: 'Try again later.',
    });
  }
  if (credentials === undefined) return notLoggedIn(registry);
  return new DidiffError('UNAUTHORISED', `${realm.host} refuses the credentials for ${registry}`, {
    hint: `Log in again: docker login ${registry}.`,
  });
}
