/**
 * Requests to one registry, with what they all need: log-in, redirects, repeats, limits told. Guards that credentials
 * go to the registry's own origin alone.
 */
import { type RegistryAddress, registryAddress } from './address.ts';
import { exchangeOnce, type RegistryAnswer, readBeginning } from './answer.ts';
import { type Authoriser, openAuthoriser, type TokenRequest } from './authorise.ts';
import { findCredentials } from './docker-config.ts';
import { answerFailure, connectionFailure } from './failure.ts';
import { speaksTls } from './probe.ts';
import { type HttpProxy, proxyFor } from './proxy.ts';
import { followRedirects, resolveLocation } from './redirect.ts';
import { onceEach, type Patience, repeated, tellLimit } from './repeat.ts';
import { backoffMs, DEFAULT_RETRY, isTransientError, type RetryPolicy, wait } from './retry.ts';
import { openSecrets, type Secrets } from './secrets.ts';
import { type TlsChoice, tlsSettings } from './tls.ts';
import { openWire, type Wire } from './wire.ts';

/** How registries are reached; all of it optional. */
export interface RegistryOptions extends TlsChoice {
  /** Speak HTTP without TLS. Registries on this machine are tried with TLS first, then without. */
  readonly plainHttp?: boolean | undefined;
  /** Told in a sentence what a user should know while waiting: limits, long pauses. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Where proxies and log-ins are looked for; default the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** How long nothing may come before a connection is given up and made again. */
  readonly idleTimeoutMs?: number | undefined;
}

export interface RegistryCall {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the registry's root, as in `/v2/…`; or where a Location header led. */
  readonly path: string | URL;
  /** What is asked for, as in `could not <what>`. */
  readonly what: string;
  /** What the log-in must allow, as in `repository:library/nginx:pull`. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses that the caller understands besides 2xx; all others are thrown. */
  readonly expect?: readonly number[];
  /** False for what must not be sent twice unseen. */
  readonly isRepeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryConnection {
  readonly registry: string;
  readonly retry: RetryPolicy;
  /** Throws what `failure.ts` makes of failures, or the reason of the abort. */
  call(call: RegistryCall): Promise<RegistryAnswer>;
  /** A failure of reading an answer's body, in words. */
  describeFailure(error: unknown): unknown;
  /** Where an answer's Location header leads to. Throws CORRUPT_INPUT. */
  locationOf(answer: RegistryAnswer): URL;
  close(): void;
}

const MAX_ERROR_BYTES = 64 << 10;
const MAX_TOKEN_BYTES = 1 << 20;
/** One for a log-in, one for a token that ran out on the way. */
const MAX_LOG_INS = 2;

interface State extends Patience {
  readonly host: string;
  readonly wire: Wire;
  readonly secrets: Secrets;
  readonly authoriser: Authoriser;
  /** The registry's root. */
  root(signal: AbortSignal | undefined): Promise<URL>;
}

/** Opens nothing yet: the first call connects. `repository` picks the log-in where several are filed for a registry. */
export function openConnection(
  registry: string,
  repository: string,
  options: RegistryOptions,
): RegistryConnection {
  const env = options.env ?? process.env;
  const address = registryAddress(registry, options.plainHttp ?? false);
  const { host, credentialsKey } = address;
  const connectTimeoutMs = options.connectTimeoutMs ?? 30_000;
  const secrets = openSecrets();
  const wire = openWire({
    tlsFor: (name) => tlsSettings(name, options, env),
    proxyFor: (url) => knownProxy(proxyFor(url, env), secrets),
    connectTimeoutMs,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
  });
  let root: Promise<URL> | undefined;
  const state: State = {
    registry,
    host,
    wire,
    secrets,
    retry: { ...DEFAULT_RETRY, ...options.retry },
    notice: onceEach(options.onNotice),
    authoriser: openAuthoriser({
      registry,
      secrets,
      findCredentials: (signal) => findCredentials(credentialsKey, repository, env, signal),
      ask: (url, request) => askTokenService(state, url, request),
    }),
    root(signal) {
      root ??= findRoot(state, address, connectTimeoutMs, signal).catch((error: unknown) => {
        root = undefined;
        throw error;
      });
      return root;
    },
  };
  return {
    registry,
    retry: state.retry,
    call: (call) => runCall(state, call),
    describeFailure: (error) => connectionFailure(host, error, secrets),
    locationOf: (answer) => resolveLocation(registry, answer.headers.location, answer.url),
    close: () => wire.close(),
  };
}

function knownProxy(proxy: HttpProxy | undefined, secrets: Secrets): HttpProxy | undefined {
  secrets.add(...(proxy?.secrets ?? []));
  return proxy;
}

/** Where both are possible, TLS is tried first. */
async function findRoot(
  state: State,
  { scheme, host }: RegistryAddress,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<URL> {
  const secure = new URL(`https://${host}`);
  if (scheme === 'https') return secure;
  const plain = new URL(`http://${host}`);
  if (scheme === 'http') return plain;
  for (let attempt = 1; ; attempt++) {
    try {
      return (await speaksTls(secure, timeoutMs, signal)) ? secure : plain;
    } catch (error) {
      signal?.throwIfAborted();
      const isThere = (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED';
      if (!isThere || !isTransientError(error) || attempt >= state.retry.attempts) {
        throw connectionFailure(host, error, state.secrets);
      }
      await wait(backoffMs(state.retry, attempt), signal);
    }
  }
}

async function runCall(state: State, call: RegistryCall): Promise<RegistryAnswer> {
  const root = await state.root(call.signal);
  let answer: RegistryAnswer;
  try {
    answer = await repeated(state, call.isRepeatable ?? true, call.signal, () =>
      sendAuthorised(state, root, call),
    );
  } catch (error) {
    throw connectionFailure(state.host, error, state.secrets);
  }
  tellLimit(state, answer.headers);
  const { status, headers } = answer;
  if ((status >= 200 && status < 300) || call.expect?.includes(status)) return answer;
  const body = await readBeginning(answer, MAX_ERROR_BYTES);
  throw answerFailure(state.registry, call.what, { status, headers, body }, state.secrets);
}

/** Sends, logs in when the registry asks for it, and sends again. */
async function sendAuthorised(state: State, root: URL, call: RegistryCall): Promise<RegistryAnswer> {
  const { scopes, signal, body, method = 'GET' } = call;
  const url = typeof call.path === 'string' ? new URL(call.path, root) : call.path;
  // What is compressed on its way can't be resumed, and would not have the digest.
  const headers = { 'accept-encoding': 'identity', ...call.headers };
  for (let logIns = 0; ; logIns++) {
    const sent = state.authoriser.headerFor(scopes);
    const authorization = sent === undefined ? {} : { authorization: sent };
    const headersFor = (origin: string) => (origin === root.origin ? authorization : {});
    const exchange = { method, url, headers, body, signal };
    const answer = await followRedirects(state.wire, state.registry, exchange, headersFor);
    const isAsked = answer.status === 401 && answer.url.origin === root.origin;
    if (!isAsked || logIns >= MAX_LOG_INS) return answer;
    const isSecure = root.protocol === 'https:';
    if (!(await state.authoriser.answerChallenge(answer.headers, isSecure, scopes, sent, signal))) {
      return answer;
    }
    // Read to its end, the connection can be used again.
    await readBeginning(answer, MAX_ERROR_BYTES);
  }
}

async function askTokenService(state: State, url: URL, request: TokenRequest) {
  const { signal, form } = request;
  const body = form === undefined ? undefined : new TextEncoder().encode(String(form));
  const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const method = form === undefined ? 'GET' : 'POST';
  const exchange = { method, url, headers: { ...request.headers, ...type }, body, signal };
  try {
    const answer = await repeated(state, true, signal, () => exchangeOnce(state.wire, exchange));
    return { status: answer.status, body: await readBeginning(answer, MAX_TOKEN_BYTES) };
  } catch (error) {
    throw connectionFailure(url.host, error, state.secrets);
  }
}
