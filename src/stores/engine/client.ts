/**
 * A thin HTTP client for a container engine: calls with bounded JSON answers, answers read as a stream, and bodies
 * written as a stream, both with backpressure. An abort destroys the connection and surfaces as the signal's reason;
 * no failure escapes as an unhandled event.
 */
import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import { corrupt, DidiffError } from '../../errors.ts';
import { nodeHttp, nodeHttps } from '../network.ts';
import { cancellation, throwIfAborted } from './cancel.ts';
import type { Endpoint, Transport } from './endpoint.ts';
import { answerFailure, connectionFailure } from './failure.ts';
import { connectSsh } from './ssh.ts';

/** Lists of images can be long; nothing sensible comes near this. */
export const MAX_ANSWER_BYTES = 64 << 20;
const MAX_ERROR_BYTES = 64 << 10;
const CONNECT_TIMEOUT_MS = 30_000;

export type Query = Readonly<Record<string, string | undefined>>;

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** From the root, escaped where needed (`imagePath`); the API version goes before it unless `unversioned`. */
  readonly path: string;
  readonly query?: Query;
  /** What is asked for, as in "could not <what>". */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/** An answer in the making: the request is written by the caller, the answer comes when it comes. */
export interface OpenCall {
  readonly request: ClientRequest;
  /** The answer, whatever its status. Rejects with the reason of the abort, or UNREACHABLE. Never unhandled. */
  readonly response: Promise<IncomingMessage>;
}

export interface EngineClient {
  readonly endpoint: Endpoint;
  /** Makes a client that asks for this version of the API: the connections are shared. */
  withVersion(apiVersion: string): EngineClient;
  /** Calls and reads the JSON answer; undefined when it is empty. Throws for every status but 2xx. */
  call(call: Call): Promise<unknown>;
  /** Calls and hands the answer out as it arrives. Throws for every status but 2xx. */
  download(call: Call): Promise<AsyncIterable<Uint8Array>>;
  /** Starts a call whose body the caller streams. */
  open(call: Call, headers: Readonly<Record<string, string>>): OpenCall;
  /** Throws what an error answer means; reads its body, bounded. */
  assertOk(call: Call, response: IncomingMessage): Promise<void>;
  /** Ends idle connections. */
  close(): void;
}

export function createClient(endpoint: Endpoint, env: NodeJS.ProcessEnv = process.env): EngineClient {
  const agent = createAgent(endpoint.transport, env);
  return clientOf(endpoint, agent, '');
}

function clientOf(endpoint: Endpoint, agent: HttpAgent, prefix: string): EngineClient {
  const open = (call: Call, headers: Readonly<Record<string, string>>): OpenCall =>
    openCall(endpoint, agent, prefix, call, headers);
  const assertOk = async (call: Call, response: IncomingMessage): Promise<void> => {
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return;
    const body = await readText(endpoint, call, response, MAX_ERROR_BYTES, 'cut');
    throw answerFailure(endpoint, status, body, call.what);
  };
  const start = async (call: Call): Promise<IncomingMessage> => {
    const { request, response } = open(call, {});
    request.end();
    const answer = await response;
    await assertOk(call, answer);
    return answer;
  };
  return {
    endpoint,
    withVersion: (apiVersion) => clientOf(endpoint, agent, `/v${apiVersion}`),
    open,
    assertOk,
    async call(call) {
      const text = await readText(endpoint, call, await start(call), MAX_ANSWER_BYTES);
      if (text.trim() === '') return undefined;
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw corrupt(`the engine at ${endpoint.address} gave an answer that is not JSON`, { cause });
      }
    },
    download: async (call) => readAnswer(endpoint, call, await start(call)),
    close: () => agent.destroy(),
  };
}

/** An image's name or ID as a part of a path; slashes stay, as the engines' routes want them. */
export function imagePath(reference: string): string {
  return reference.split('/').map(encodeURIComponent).join('/');
}

function openCall(
  endpoint: Endpoint,
  agent: HttpAgent,
  prefix: string,
  call: Call,
  headers: Readonly<Record<string, string>>,
): OpenCall {
  const { transport } = endpoint;
  const { signal } = call;
  throwIfAborted(signal);
  const tls = transport.kind === 'tcp' && transport.tls !== undefined;
  const request = (tls ? nodeHttps().request : nodeHttp().request)({
    ...address(transport),
    agent,
    method: call.method ?? 'GET',
    path: `${transport.kind === 'tcp' ? transport.basePath : ''}${prefix}${call.path}${queryText(call.query)}`,
    headers: { 'user-agent': 'didiff', ...headers },
  });
  limitConnecting(request);
  const onAbort = (): void => void request.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  request.once('close', () => signal?.removeEventListener('abort', onAbort));
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', (answer) => {
      // Its reader sees the same error; without a listener one that comes between two reads would end the process.
      answer.on('error', () => {});
      resolve(answer);
    });
    request.on('error', (error) =>
      reject(signal?.aborted ? cancellation(signal) : connectionFailure(endpoint, error)),
    );
    request.once('close', () => {
      const cut = Object.assign(new Error('closed'), { code: 'ECONNRESET' });
      reject(signal?.aborted ? cancellation(signal) : connectionFailure(endpoint, cut));
    });
  });
  response.catch(() => {});
  return { request, response };
}

function address(transport: Transport): Record<string, unknown> {
  switch (transport.kind) {
    case 'unix':
      return { socketPath: transport.path };
    case 'tcp':
      return {
        host: transport.hostname,
        port: transport.port,
        ...(transport.credentials === undefined ? {} : { auth: transport.credentials }),
      };
    case 'ssh':
      return { host: 'localhost' };
  }
}

/**
 * Connections are kept only where they are dear to make. ssh: a process and a log-in each. Elsewhere each call has
 * its own, so that none meets a connection the other side has just given up.
 */
function createAgent(transport: Transport, env: NodeJS.ProcessEnv): HttpAgent {
  if (transport.kind === 'ssh') {
    const agent = new (nodeHttp().Agent)({ keepAlive: true, maxSockets: 4 });
    return Object.assign(agent, { createConnection: () => connectSsh(transport, env) });
  }
  if (transport.kind === 'unix' || transport.tls === undefined)
    return new (nodeHttp().Agent)({ maxSockets: 8 });
  const { ca, cert, key, verify } = transport.tls;
  return new (nodeHttps().Agent)({
    maxSockets: 8,
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

/** A packet filter that drops everything would keep a connection waiting for minutes. */
function limitConnecting(request: ClientRequest): void {
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' }));
    }, CONNECT_TIMEOUT_MS);
    const stop = (): void => clearTimeout(timer);
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', stop);
    request.once('close', stop);
  });
}

function queryText(query: Query | undefined): string {
  const entries = Object.entries(query ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
}

/** The answer's body; a connection that ends before it does is an error, not an end. */
export async function* readAnswer(
  endpoint: Endpoint,
  call: Call,
  response: IncomingMessage,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response) yield piece as Uint8Array;
  } catch (error) {
    throwIfAborted(call.signal);
    throw connectionFailure(endpoint, error);
  } finally {
    response.destroy();
  }
  throwIfAborted(call.signal);
}

/** The whole of a body as text; LIMIT when it is larger, or cut there when `beyond` says so. */
export async function readText(
  endpoint: Endpoint,
  call: Call,
  response: IncomingMessage,
  limitBytes: number,
  beyond: 'cut' | 'refuse' = 'refuse',
): Promise<string> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of readAnswer(endpoint, call, response)) {
    pieces.push(piece);
    sizeBytes += piece.length;
    if (sizeBytes <= limitBytes) continue;
    if (beyond === 'cut') break;
    throw new DidiffError('LIMIT', `the engine's answer is larger than ${limitBytes} bytes (${call.what})`);
  }
  return Buffer.concat(pieces).subarray(0, limitBytes).toString('utf8');
}
