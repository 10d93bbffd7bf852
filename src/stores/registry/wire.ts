/**
 * One HTTP exchange over node's own client: connections kept and shared, proxies, time limits, aborts. Bodies that are
 * sent are in memory, so that any request can be sent again. No failure escapes as an unhandled event.
 */
import type { ClientRequest, Agent as HttpAgent, IncomingMessage, RequestOptions } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { nodeHttp, nodeHttps, nodeTls } from '../network.ts';
import { withoutBrackets } from './address.ts';
import type { HttpProxy } from './proxy.ts';
import type { TlsSettings } from './tls.ts';
import { openTunnel } from './tunnel.ts';

export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WireSettings {
  /** Asked once for each host. */
  readonly tlsFor: (host: string) => TlsSettings;
  readonly proxyFor: (url: URL) => HttpProxy | undefined;
  readonly connectTimeoutMs: number;
  /** How long nothing may come or go before a connection counts as dead. */
  readonly idleTimeoutMs: number;
}

export interface Wire {
  /** The answer, whatever its status; its body is the caller's to read. Rejects with node's error, or the abort's reason. */
  exchange(exchange: Exchange): Promise<IncomingMessage>;
  /** Ends all connections. */
  close(): void;
}

interface Route {
  readonly agent: HttpAgent;
  /** With every authority there is; absent where that changes nothing. */
  readonly widen?: (() => Route) | undefined;
  /** For plain HTTP through a proxy, whom the request itself is sent to. */
  readonly proxy?: HttpProxy | undefined;
}

export function openWire(settings: WireSettings): Wire {
  const routes = new Map<string, Route>();
  const routeFor = (url: URL): Route => {
    const route = routes.get(url.origin) ?? makeRoute(url, settings);
    routes.set(url.origin, route);
    return route;
  };
  return {
    async exchange(exchange) {
      const { url } = exchange;
      const route = routeFor(url);
      try {
        return await send(exchange, route, settings);
      } catch (error) {
        // A certificate that is refused ends a connection before anything was sent.
        if (route.widen === undefined || !isUnknownAuthority(error)) throw error;
        if (routes.get(url.origin) === route) routes.set(url.origin, route.widen());
        return await send(exchange, routeFor(url), settings);
      }
    },
    close() {
      for (const { agent } of routes.values()) agent.destroy();
      routes.clear();
    },
  };
}

const KEPT = { keepAlive: true, maxSockets: 8, maxFreeSockets: 4 } as const;

function makeRoute(url: URL, settings: WireSettings, isWide = false): Route {
  const proxy = settings.proxyFor(url);
  // A connection makes a context of its own unless it is given one.
  const secure = (host: string) => tlsOptions(settings.tlsFor(host), isWide);
  const isTls = url.protocol === 'https:';
  const widen = isWide || !(isTls || proxy?.isTls) ? undefined : () => makeRoute(url, settings, true);
  if (!isTls) {
    const agent = proxy?.isTls
      ? new (nodeHttps().Agent)({ ...KEPT, ...secure(proxy.hostname) })
      : new (nodeHttp().Agent)(KEPT);
    return { agent, proxy, widen };
  }
  const agent = new (nodeHttps().Agent)({ ...KEPT, ...secure(url.host) });
  if (proxy === undefined) return { agent, widen };
  const proxyTls = proxy.isTls ? secure(proxy.hostname) : undefined;
  const target = { hostname: withoutBrackets(url.hostname), port: Number(url.port || 443) };
  const createConnection: HttpsAgent['createConnection'] = (options, done) => {
    openTunnel(proxy, target, settings.connectTimeoutMs, proxyTls).then(
      (socket) =>
        done?.(null, nodeTls().connect({ ...(options as ConnectionOptions), socket, host: target.hostname })),
      (error: Error) => done?.(error, undefined as never),
    );
    return undefined;
  };
  return { agent: Object.assign(agent, { createConnection }), widen };
}

function tlsOptions(settings: TlsSettings, isWide: boolean): ConnectionOptions {
  const { rejectUnauthorized, cert, key } = settings;
  const ca = isWide ? settings.allAuthorities() : settings.ca;
  const secureContext = nodeTls().createSecureContext({
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  });
  return { rejectUnauthorized, secureContext };
}

function isUnknownAuthority(error: unknown): boolean {
  return /^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_UNTRUSTED)/.test(
    String((error as NodeJS.ErrnoException).code),
  );
}

function send(exchange: Exchange, { agent, proxy }: Route, settings: WireSettings): Promise<IncomingMessage> {
  const { url, signal, body } = exchange;
  signal?.throwIfAborted();
  const headers = {
    'user-agent': 'didiff',
    ...exchange.headers,
    ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    ...(proxy?.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
  };
  const options: RequestOptions = {
    agent,
    method: exchange.method,
    headers,
    ...(proxy === undefined
      ? { hostname: withoutBrackets(url.hostname), port: url.port, path: `${url.pathname}${url.search}` }
      : { hostname: proxy.hostname, port: proxy.port, path: url.href, setHost: false }),
  };
  if (proxy !== undefined) Object.assign(headers, { host: url.host });
  const isTls = proxy === undefined ? url.protocol === 'https:' : proxy.isTls;
  const request = (isTls ? nodeHttps().request : nodeHttp().request)(options);
  limitWaiting(request, settings);
  const onAbort = (): void => void request.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  request.once('close', () => signal?.removeEventListener('abort', onAbort));
  const reasonFor = (error: Error): unknown => (signal?.aborted ? signal.reason : error);
  return new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', (answer) => {
      // Its reader sees the same error; without a listener one that comes between two reads would end the process.
      answer.on('error', () => {});
      resolve(answer);
    });
    request.on('error', (error) => reject(reasonFor(error)));
    request.once('close', () =>
      reject(reasonFor(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }))),
    );
    request.end(body);
  });
}

function limitWaiting(request: ClientRequest, { connectTimeoutMs, idleTimeoutMs }: WireSettings): void {
  const expire = (what: string): void => {
    request.destroy(Object.assign(new Error(what), { code: 'ETIMEDOUT' }));
  };
  request.setTimeout(idleTimeoutMs, () => expire(`nothing came for ${idleTimeoutMs / 1000} s`));
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => expire('connecting took too long'), connectTimeoutMs);
    const stop = (): void => clearTimeout(timer);
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', stop);
    request.once('close', stop);
  });
}
