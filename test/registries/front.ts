/** A server before a registry that sees every request, answers some itself, and changes what others are answered. */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface FrontRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FrontAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface FrontHooks {
  /** Answers instead of the registry. */
  before?(request: FrontRequest): FrontAnswer | undefined | Promise<FrontAnswer | undefined>;
  /** Changes an answer of the registry. */
  after?(request: FrontRequest, answer: FrontAnswer): FrontAnswer | Promise<FrontAnswer>;
}

export interface Front {
  readonly host: string;
  readonly seen: FrontRequest[];
  hooks: FrontHooks;
  stop(): Promise<void>;
}

export async function startFront(toPort: number, hooks: FrontHooks = {}): Promise<Front> {
  const seen: FrontRequest[] = [];
  const front: { hooks: FrontHooks } = { hooks };
  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://front');
    const request: FrontRequest = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: await buffer(incoming),
    };
    seen.push(request);
    const own = await front.hooks.before?.(request);
    const answer =
      own ?? (await change(front.hooks, request, await passOn(toPort, incoming.url ?? '/', request)));
    response.writeHead(answer.status, answer.headers);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as { port: number }).port}`,
    seen,
    get hooks() {
      return front.hooks;
    },
    set hooks(next) {
      front.hooks = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function change(hooks: FrontHooks, request: FrontRequest, answer: FrontAnswer): Promise<FrontAnswer> {
  return (await hooks.after?.(request, answer)) ?? answer;
}

function passOn(port: number, path: string, { method, headers, body }: FrontRequest): Promise<FrontAnswer> {
  return new Promise((resolve, reject) => {
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers }, async (answer) => {
      const plain = Object.entries(answer.headers).flatMap(([name, value]) =>
        value === undefined || name === 'transfer-encoding' ? [] : [[name, String(value)]],
      );
      resolve({
        status: answer.statusCode ?? 502,
        headers: Object.fromEntries(plain),
        body: await buffer(answer),
      });
    });
    onward.on('error', reject);
    onward.end(body);
  });
}
