/** An HTTP proxy that knows the way to names which nobody else knows: CONNECT, and plain requests, with a log-in. */
import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';

export interface TestProxy {
  readonly port: number;
  /** What was asked for, in order: `CONNECT host:port`, `GET http://…`. */
  readonly asked: string[];
  stop(): Promise<void>;
}

export async function startHttpProxy(
  ways: Readonly<Record<string, number>>,
  logIn?: { readonly user: string; readonly password: string },
): Promise<TestProxy> {
  const asked: string[] = [];
  const wanted = logIn && `Basic ${Buffer.from(`${logIn.user}:${logIn.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const url = new URL(request.url ?? '');
    const port = ways[url.host];
    if (request.headers['proxy-authorization'] !== wanted) response.writeHead(407).end();
    else if (port === undefined) response.writeHead(502).end();
    else {
      const { 'proxy-authorization': _, ...headers } = request.headers;
      const { method } = request;
      const path = `${url.pathname}${url.search}`;
      const onward = httpRequest({ port, host: '127.0.0.1', method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    }
  });
  server.on('connect', (request, client, head) => {
    asked.push(`CONNECT ${request.url}`);
    client.on('error', () => {});
    const port = ways[request.url ?? ''];
    if (request.headers['proxy-authorization'] !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    } else if (port === undefined) client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    else {
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('close', () => upstream.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
