/** A token service as registries name it (distribution's token authentication), with a key of its own. */
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export const SERVICE = 'didiff test registry';
export const ISSUER = 'didiff test tokens';

export interface TokenService {
  /** For the registry's configuration. */
  readonly realm: string;
  /** Everything that was asked, without what it was asked with. */
  readonly asked: { readonly method: string; readonly scopes: readonly string[]; readonly by: string }[];
  /** Tokens given out so far. */
  readonly tokens: string[];
  stop(): Promise<void>;
}

export interface TokenServiceSpec {
  readonly certificate: string;
  readonly key: string;
  readonly user: string;
  readonly password: string;
  readonly refreshToken: string;
  /** Seconds a token holds; what is told to the asker, and what is true. */
  readonly lifeS?: number;
}

/** Gives everybody `pull`, and the one user who logs in everything. */
export async function startTokenService(spec: TokenServiceSpec): Promise<TokenService> {
  const asked: { method: string; scopes: readonly string[]; by: string }[] = [];
  const tokens: string[] = [];
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(request.method === 'POST' ? await text(request) : '');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const by = whoAsks(request, form, spec);
    if (by === undefined) {
      // As careless a service as there may be: it says back what it was given.
      response.writeHead(401).end(JSON.stringify({ errors: [{ code: 'DENIED', message: spec.password }] }));
      return;
    }
    const scopes = [...url.searchParams.getAll('scope'), ...(form.get('scope')?.split(' ') ?? [])];
    asked.push({ method: request.method ?? '', scopes, by });
    const token = makeToken(spec, by, scopes);
    tokens.push(token);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, access_token: token, expires_in: spec.lifeS ?? 300 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    realm: `http://127.0.0.1:${port}/token`,
    asked,
    tokens,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function whoAsks(
  request: IncomingMessage,
  form: URLSearchParams,
  { user, password, refreshToken }: TokenServiceSpec,
): string | undefined {
  if (request.method === 'POST') return form.get('refresh_token') === refreshToken ? user : undefined;
  const { authorization } = request.headers;
  if (authorization === undefined) return '';
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return authorization === wanted ? user : undefined;
}

function makeToken(spec: TokenServiceSpec, subject: string, scopes: readonly string[]): string {
  const now = Math.floor(Date.now() / 1000);
  const certificate = new X509Certificate(readFileSync(spec.certificate));
  const header = { typ: 'JWT', alg: 'ES256', x5c: [certificate.raw.toString('base64')] };
  const access = scopes.map((scope) => {
    const [type, name, actions = ''] = scope.split(':');
    const wanted = actions.split(',');
    return { type, name, actions: subject === '' ? wanted.filter((action) => action === 'pull') : wanted };
  });
  const claims = {
    iss: ISSUER,
    sub: subject,
    aud: SERVICE,
    exp: now + (spec.lifeS ?? 300),
    nbf: now - 10,
    iat: now,
    jti: String(Math.random()),
    access,
  };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  const key = createPrivateKey(readFileSync(spec.key));
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
