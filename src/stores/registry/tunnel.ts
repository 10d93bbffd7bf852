/** A connection to a host through an HTTP proxy (RFC 9110, 9.3.6: CONNECT). */
import type { Socket } from 'node:net';
import { DidiffError } from '../../errors.ts';
import { nodeHttp, nodeHttps } from '../network.ts';
import type { HttpProxy } from './proxy.ts';

/**
 * Opens it. Rejects with node's error, or a DidiffError when the proxy refuses. `tls` proves a proxy that is itself
 * reached over TLS.
 */
export function openTunnel(
  proxy: HttpProxy,
  target: { readonly hostname: string; readonly port: number },
  timeoutMs: number,
  tls: object = {},
): Promise<Socket> {
  const { hostname } = target;
  const authority = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${target.port}`;
  const request = (proxy.isTls ? nodeHttps().request : nodeHttp().request)({
    ...tls,
    hostname: proxy.hostname,
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    agent: false,
    headers: {
      host: authority,
      ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
  });
  return new Promise((resolve, reject) => {
    request.setTimeout(timeoutMs, () => {
      request.destroy(Object.assign(new Error(`proxy ${proxy.address}: no answer`), { code: 'ETIMEDOUT' }));
    });
    request.once('connect', (answer, socket: Socket, head: Buffer) => {
      const status = answer.statusCode ?? 0;
      if (status < 200 || status >= 300) {
        socket.destroy();
        reject(refusal(proxy, authority, status));
        return;
      }
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once('response', (answer) => {
      answer.destroy();
      reject(refusal(proxy, authority, answer.statusCode ?? 0));
    });
    request.on('error', (cause: NodeJS.ErrnoException) => {
      const error = new Error(`proxy ${proxy.address}: ${cause.message}`, { cause });
      reject(Object.assign(error, { code: cause.code }));
    });
    request.end();
  });
}

function refusal(proxy: HttpProxy, authority: string, status: number): Error {
  // A proxy that can't reach the other side may do so later.
  if (status >= 500) {
    const error = new Error(`the proxy at ${proxy.address} can't reach ${authority} (status ${status})`);
    return Object.assign(error, { code: 'ECONNRESET' });
  }
  const needsLogIn = status === 407;
  return new DidiffError(
    needsLogIn ? 'UNAUTHORISED' : 'UNREACHABLE',
    `the proxy at ${proxy.address} refuses a connection to ${authority} (status ${status})`,
    {
      hint: needsLogIn
        ? 'Put the credentials into HTTPS_PROXY: http://user:password@host:port.'
        : 'Check HTTPS_PROXY, or name the registry in NO_PROXY.',
    },
  );
}
